// SPDX-License-Identifier: Apache-2.0
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { notarise, notaryCredentials } from '../../../../scripts/package/notarise.mjs'

const key = { APPLE_API_KEY: '/k.p8', APPLE_API_KEY_ID: 'ID', APPLE_API_ISSUER: 'issuer' }

describe('credentials for notarisation', () => {
  it('are a profile in the keychain, or an API key', () => {
    expect(notaryCredentials({ APPLE_KEYCHAIN_PROFILE: 'p', ...key })).toEqual({
      args: ['--keychain-profile', 'p'],
    })
    expect(notaryCredentials(key)).toEqual({
      args: ['--key', '/k.p8', '--key-id', 'ID', '--issuer', 'issuer'],
    })
  })

  it('are missing when nothing is set, and a mistake when a part is', () => {
    expect(notaryCredentials({})).toHaveProperty('missing')
    expect(() => notaryCredentials({ ...key, APPLE_API_ISSUER: '' })).toThrow(/APPLE_API_ISSUER/)
  })
})

describe('notarising', () => {
  let bin: string
  const log = (): string => join(bin, 'calls')
  const calls = async (): Promise<string> => readFile(log(), 'utf8').catch(() => '')

  beforeEach(async () => {
    bin = await mkdtemp(join(tmpdir(), 'microvm-notarise-'))
    for (const name of ['ditto', 'xcrun']) {
      await writeFile(join(bin, name), `#!/bin/sh\necho "${name} $*" >> '${log()}'\n`)
      await chmod(join(bin, name), 0o755)
    }
    vi.stubEnv('PATH', `${bin}:${process.env['PATH']}`)
  })

  afterEach(async () => {
    vi.unstubAllEnvs()
    await rm(bin, { recursive: true, force: true })
  })

  it('archives, submits, waits, and staples', async () => {
    const lines: string[] = []
    await notarise('/x/A.app', { signed: 'identity', env: key, say: (line) => lines.push(line) })
    expect((await calls()).trimEnd().split('\n')).toEqual([
      'ditto -c -k --keepParent /x/A.app /x/A.app.notarise.zip',
      'xcrun notarytool submit /x/A.app.notarise.zip --wait --key /k.p8 --key-id ID --issuer issuer',
      'xcrun stapler staple /x/A.app',
    ])
    expect(lines).toEqual(['notarised'])
  })

  it('says that and why it was skipped', async () => {
    const lines: string[] = []
    const say = (line: string): void => void lines.push(line)
    await notarise('/x/A.app', { signed: 'identity', env: {}, say })
    await notarise('/x/A.app', { signed: 'ad hoc', env: key, say })
    expect(lines[0]).toMatch(/^notarisation skipped: neither APPLE_KEYCHAIN_PROFILE nor/)
    expect(lines[1]).toMatch(/^notarisation skipped: not signed with an identity/)
    expect(await calls()).toBe('')
  })
})
