// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readRegistrySettings } from '../../../../../src/main/image/registry/registry-settings'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'registry-settings-'))
})
afterEach(() => rmSync(dir, { recursive: true }))
const path = (): string => join(dir, 'registries.json')

describe('settings about registries', () => {
  it('are none unless there are some', async () => {
    const none = { mirrors: {}, plainHttp: [], tokenHosts: {} }
    expect(await readRegistrySettings(path(), {})).toEqual(none)
  })

  it('come from the file, and from the environment before it', async () => {
    const file = {
      mirrors: { 'docker.io': ['https://old.example'], 'ghcr.io': ['https://g.example/x'] },
      plainHttp: ['a.lan'],
      tokenHosts: { 'r.example': ['t.example'] },
    }
    writeFileSync(path(), JSON.stringify(file))
    const env = {
      MICROVM_REGISTRY_MIRRORS: 'docker.io=https://one.example, docker.io=http://two.lan:5000',
      MICROVM_PLAIN_HTTP: 'two.lan:5000',
    }
    expect(await readRegistrySettings(path(), env)).toEqual({
      mirrors: {
        'docker.io': ['https://one.example', 'http://two.lan:5000'],
        'ghcr.io': ['https://g.example/x'],
      },
      plainHttp: ['two.lan:5000', 'a.lan'],
      tokenHosts: { 'r.example': ['t.example'] },
    })
  })

  it('say whether daemons are asked, the environment before the file', async () => {
    const daemons = async (env: NodeJS.ProcessEnv) =>
      (await readRegistrySettings(path(), env)).daemons
    writeFileSync(path(), '{"daemons":false}')
    expect(await daemons({})).toBe(false)
    expect(await daemons({ MICROVM_DAEMONS: '1' })).toBe(true)
    writeFileSync(path(), '{}')
    expect(await daemons({ MICROVM_DAEMONS: '0' })).toBe(false)
  })

  it.each([
    ['neither yes nor no', '{}', { MICROVM_DAEMONS: 'off' }],
    ['no JSON', '{', {}],
    ['an unknown setting', '{"mirors":{}}', {}],
    ['a mirror that is no address', '{"mirrors":{"docker.io":["mirror"]}}', {}],
    ['a host that is none', '{"plainHttp":["http://a/b"]}', {}],
    ['a mirror of nothing', '{}', { MICROVM_REGISTRY_MIRRORS: 'https://one.example' }],
  ])('are refused when they hold %s', async (_what, text, env) => {
    writeFileSync(path(), text)
    await expect(readRegistrySettings(path(), env)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    })
  })
})
