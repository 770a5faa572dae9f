// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it, vi } from 'vitest'
import { MicrovmError } from '../../../../src/contract/errors'
import { createCallHandler, type IpcHandlers } from '../../../../src/main/ipc/handle'
import { silentLogger } from '../../../../src/main/lib/logger'

const VM = 'abcdef012345'

function setUp(handlers: Partial<IpcHandlers> = {}) {
  const log = { ...silentLogger, warn: vi.fn(), error: vi.fn() }
  const call = createCallHandler<'window' | 'stranger'>({
    handlers: handlers as IpcHandlers,
    isTrusted: (origin) => origin === 'window',
    logger: log,
  })
  return { call, log }
}

describe('a call from the window', () => {
  it('gives the handler arguments with defaults filled in, and returns its result', async () => {
    const stop = vi.fn()
    const { call } = setUp({ 'vms.stop': stop, 'vms.suggestName': () => 'calm-otter' })
    expect(await call('window', 'vms.suggestName', undefined)).toEqual({
      ok: true,
      value: 'calm-otter',
    })
    await call('window', 'vms.stop', { id: VM })
    expect(stop).toHaveBeenCalledExactlyOnceWith({ id: VM, force: false })
  })

  it('is refused from anyone else, before anything else is looked at', async () => {
    const list = vi.fn()
    const { call } = setUp({ 'vms.list': list })
    const reply = await call('stranger', 'vms.list', undefined)
    expect(reply).toMatchObject({ ok: false, error: { code: 'PERMISSION_DENIED' } })
    expect(await call('stranger', 'no.such', {})).toEqual(reply)
    expect(list).not.toHaveBeenCalled()
  })

  it.each([['no.such'], ['toString'], ['__proto__'], [''], [7], [undefined], [{}]])(
    'is refused when no call is named %j',
    async (name) => {
      const { call } = setUp()
      expect(await call('window', name, undefined)).toMatchObject({
        ok: false,
        error: { code: 'INVALID_ARGUMENT' },
      })
    },
  )

  it.each([
    ['vms.start', undefined, 'expected object'],
    ['vms.start', { id: '../../etc' }, 'id: '],
    ['vms.list', { extra: 1 }, 'vms.list'],
    ['terminals.write', { terminalId: 't', data: 7 }, 'data: '],
    ['terminals.open', { id: VM, terminalId: 't', cols: 1e9, rows: 24 }, 'cols: '],
    ['app.openExternal', { url: 'file:///etc/passwd' }, 'url: '],
    ['app.openExternal', { url: 'javascript:alert(1)' }, 'url: '],
    ['vms.launch', { operationId: 'o', spec: { name: 'Bad Name', image: 'x' } }, 'spec.name: '],
  ])('%s with %j is refused with words about what is wrong', async (name, args, words) => {
    const { call } = setUp()
    const reply = await call('window', name, args)
    expect(reply).toMatchObject({ ok: false, error: { code: 'INVALID_ARGUMENT' } })
    expect(reply.ok ? '' : reply.error.message).toContain(words)
  })

  it('returns code and hint of an expected failure, and never a stack', async () => {
    const error = new MicrovmError('PORT_IN_USE', 'port 80 is taken', { hint: 'Take another.' })
    const { call } = setUp({ 'vms.start': () => Promise.reject(error) })
    expect(await call('window', 'vms.start', { id: VM })).toEqual({
      ok: false,
      error: { code: 'PORT_IN_USE', message: 'port 80 is taken', hint: 'Take another.' },
    })
  })

  it('turns a bug into INTERNAL and logs where it happened', async () => {
    const { call, log } = setUp({
      'vms.list': () => {
        throw new TypeError('x is undefined')
      },
    })
    expect(await call('window', 'vms.list', undefined)).toEqual({
      ok: false,
      error: { code: 'INTERNAL', message: 'x is undefined' },
    })
    expect(log.error.mock.calls[0]?.[1]?.stack).toContain('handle.test.ts')
  })

  it('logs no arguments', async () => {
    const { call, log } = setUp({ 'terminals.write': () => Promise.reject(new Error('gone')) })
    await call('window', 'terminals.write', { terminalId: 't', data: 'hunter2\n' })
    await call('window', 'terminals.write', { terminalId: 'hunter2', data: 9 })
    expect(JSON.stringify([log.warn.mock.calls, log.error.mock.calls])).not.toContain('hunter2')
  })

  it('does not log a cancelled one as a failure', async () => {
    const { call, log } = setUp({
      'vms.list': () => Promise.reject(new DOMException('stop', 'AbortError')),
    })
    expect(await call('window', 'vms.list', undefined)).toMatchObject({
      error: { code: 'CANCELLED' },
    })
    expect(log.warn).not.toHaveBeenCalled()
  })
})
