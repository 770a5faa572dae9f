// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createSealedCredentials } from '../../../../../src/main/image/registry/sealed-credentials'
import { silentLogger } from '../../../../../src/main/lib/logger'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sealed-'))
})
afterEach(() => rmSync(dir, { recursive: true }))

const turn = (bytes: Buffer, key: number): Buffer => Buffer.from(bytes.map((byte) => byte ^ key))
/** Seals with one byte, and notices another one. */
const boxWith = (key: number, available = true) => ({
  isAvailable: () => available,
  seal: (text: string) => turn(Buffer.from(`seal${text}`), key),
  open: (sealed: Buffer) => {
    const text = turn(sealed, key).toString()
    if (!text.startsWith('seal')) throw new Error('wrong key')
    return text.slice(4)
  },
})
const path = (): string => join(dir, 'logins.json')
const store = (box = boxWith(7)) =>
  createSealedCredentials({ path: path(), lockPath: join(dir, 'lock'), box, logger: silentLogger })
const anna = { kind: 'password', username: 'anna', password: 'secret' } as const

describe('the app’s own logins', () => {
  it('last, sealed, for this user only', async () => {
    expect(await store().save('a.example', anna)).toBe(true)
    expect(await store().find('a.example')).toEqual(anna)
    expect(await store().find('b.example')).toBeUndefined()
    expect(await store().list()).toEqual([{ registry: 'a.example', username: 'anna' }])
    expect(readFileSync(path(), 'utf8')).not.toContain('secret')
    expect(statSync(path()).mode & 0o777).toBe(0o600)
  })

  it('are forgotten for good', async () => {
    await store().save('a.example', anna)
    expect(await store().remove('a.example')).toBe(true)
    expect(await store().find('a.example')).toBeUndefined()
    expect(await store().remove('a.example')).toBe(false)
  })

  it('are kept in memory only where the system seals nothing', async () => {
    const own = store(boxWith(7, false))
    expect(await own.save('a.example', anna)).toBe(false)
    expect(await own.find('a.example')).toEqual(anna)
    expect(await own.list()).toHaveLength(1)
    expect(() => statSync(path())).toThrow('ENOENT')
    expect(await own.remove('a.example')).toBe(true)
    expect(await own.find('a.example')).toBeUndefined()
  })

  it('that another key sealed, or a file that is damaged, count as none', async () => {
    await store().save('a.example', anna)
    expect(await store(boxWith(9)).find('a.example')).toBeUndefined()
    writeFileSync(path(), '{"version":1,"logins":[')
    expect(await store().find('a.example')).toBeUndefined()
    await store().save('a.example', anna)
    expect(await store().find('a.example')).toEqual(anna)
  })
})
