// SPDX-License-Identifier: Apache-2.0
// The calls about registries as the window makes them: through the one door, with its checks.
import { describe, expect, it, vi } from 'vitest'
import { MicrovmError } from '../../../../src/contract/errors'
import { createCallHandler, type IpcHandlers } from '../../../../src/main/ipc/handle'
import { Operations, operationHandlers } from '../../../../src/main/ipc/operations'
import { registriesHandlers, type RegistriesDeps } from '../../../../src/main/ipc/registries'
import { silentLogger } from '../../../../src/main/lib/logger'

const PASSWORD = 'correct horse'
const request = { registry: ' ghcr.io ', username: 'anna', password: PASSWORD, operationId: 'o' }

function setUp() {
  const logins = { list: vi.fn(), login: vi.fn(), logout: vi.fn() }
  const registrySettings = {
    list: vi.fn(),
    add: vi.fn(),
    remove: vi.fn(),
    daemons: vi.fn(),
    askDaemons: vi.fn(),
  }
  const log = { ...silentLogger, warn: vi.fn(), error: vi.fn() }
  const operations = new Operations(vi.fn())
  const engine = async () => ({ logins, registrySettings }) as never
  const handlers = {
    ...registriesHandlers({ engine, operations } satisfies RegistriesDeps),
    ...operationHandlers(operations),
  }
  const call = createCallHandler<'window' | 'stranger'>({
    handlers: handlers as unknown as IpcHandlers,
    isTrusted: (origin) => origin === 'window',
    logger: log,
  })
  return { call, log, logins, registrySettings }
}

describe('signing in', () => {
  it('hands the login to the engine, trimmed, and gives back who is signed in', async () => {
    const { call, logins } = setUp()
    const login = { registry: 'ghcr.io', username: 'anna', keeper: 'app', lasting: true }
    logins.login.mockResolvedValue(login)
    expect(await call('window', 'registries.login', request)).toEqual({ ok: true, value: login })
    expect(logins.login).toHaveBeenCalledExactlyOnceWith({
      registry: 'ghcr.io',
      username: 'anna',
      password: PASSWORD,
      signal: expect.any(AbortSignal) as AbortSignal,
    })
  })

  it('is cancelled under its id', async () => {
    const { call, logins } = setUp()
    logins.login.mockImplementation(
      ({ signal }: { signal: AbortSignal }) =>
        new Promise((_, reject) =>
          signal.addEventListener('abort', () => reject(signal.reason as Error)),
        ),
    )
    const waiting = call('window', 'registries.login', request)
    await vi.waitFor(() => expect(logins.login).toHaveBeenCalled())
    await call('window', 'operations.cancel', { operationId: 'o' })
    expect(await waiting).toMatchObject({ ok: false, error: { code: 'CANCELLED' } })
  })

  it('that is refused says so, with the password neither in the answer nor in the log', async () => {
    const { call, log, logins } = setUp()
    const hint = 'Check user name and password.'
    logins.login.mockRejectedValue(new MicrovmError('REGISTRY_DENIED', 'refused', { hint }))
    const reply = await call('window', 'registries.login', request)
    expect(reply).toMatchObject({ ok: false, error: { code: 'REGISTRY_DENIED', hint } })
    const told = JSON.stringify([reply, log.warn.mock.calls, log.error.mock.calls])
    expect(told).not.toContain(PASSWORD)
  })
})

describe('calls about registries', () => {
  it.each([
    ['registries.login', { ...request, password: '' }],
    ['registries.login', { ...request, password: 'p'.repeat(16_385) }],
    ['registries.login', { ...request, registry: '  ' }],
    ['registries.login', { ...request, username: ['anna'] }],
    ['registries.login', { registry: 'ghcr.io', username: 'anna', password: PASSWORD }],
    ['registries.logout', {}],
    ['registries.logout', { registry: 'g'.repeat(256) }],
    ['registries.addSetting', { setting: { kind: 'tokenHost', registry: 'ghcr.io' } }],
    ['registries.addSetting', { setting: { kind: 'mirror', registry: 'ghcr.io' } }],
    ['registries.addSetting', { setting: { kind: 'plain-http', registry: '' } }],
    ['registries.removeSetting', { kind: 'plain-http', registry: 'a.lan' }],
    ['registries.askDaemons', { isAsked: 'no' }],
  ])('%s with %j goes no further', async (name, args) => {
    const { call, logins, registrySettings } = setUp()
    expect(await call('window', name, args)).toMatchObject({
      ok: false,
      error: { code: 'INVALID_ARGUMENT' },
    })
    for (const spy of [...Object.values(logins), ...Object.values(registrySettings)])
      expect(spy).not.toHaveBeenCalled()
  })

  it.each([
    ['registries.logins', undefined],
    ['registries.login', request],
    ['registries.logout', { registry: 'ghcr.io' }],
    ['registries.settings', undefined],
    ['registries.addSetting', { setting: { kind: 'plain-http', registry: 'a.lan' } }],
    ['registries.removeSetting', { setting: { kind: 'plain-http', registry: 'a.lan' } }],
    ['registries.daemons', undefined],
    ['registries.askDaemons', { isAsked: false }],
  ])('%s is refused from anyone but the window', async (name, args) => {
    const { call, logins, registrySettings } = setUp()
    expect(await call('stranger', name, args)).toMatchObject({
      ok: false,
      error: { code: 'PERMISSION_DENIED' },
    })
    for (const spy of [...Object.values(logins), ...Object.values(registrySettings)])
      expect(spy).not.toHaveBeenCalled()
  })

  it('reach the engine', async () => {
    const { call, logins, registrySettings } = setUp()
    const setting = { kind: 'mirror', registry: 'docker.io', address: 'https://m.example' } as const
    logins.logout.mockResolvedValue(true)
    registrySettings.list.mockResolvedValue([{ ...setting, fromEnvironment: false }])
    expect(await call('window', 'registries.logout', { registry: 'ghcr.io' })).toEqual({
      ok: true,
      value: undefined,
    })
    expect(logins.logout).toHaveBeenCalledExactlyOnceWith('ghcr.io')
    await call('window', 'registries.addSetting', { setting })
    expect(registrySettings.add).toHaveBeenCalledExactlyOnceWith(setting)
    await call('window', 'registries.removeSetting', { setting })
    expect(registrySettings.remove).toHaveBeenCalledExactlyOnceWith(setting)
    expect(await call('window', 'registries.settings', undefined)).toMatchObject({
      value: [{ registry: 'docker.io' }],
    })
    await call('window', 'registries.askDaemons', { isAsked: false })
    expect(registrySettings.askDaemons).toHaveBeenCalledExactlyOnceWith(false)
  })
})
