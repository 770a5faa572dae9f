// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { checkGuestBundle, openGuestBundle } from '../../../../src/main/guest/bundle'

const hash = 'a'.repeat(64)
const file = {
  path: '.microvm/init',
  sha256: 'b'.repeat(64),
  size: 3,
  package: 'microvm-desktop',
  packageVersion: '1',
}
const manifest = { version: 1, tar: { sha256: hash, size: 10 }, files: [file] }

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'bundle-'))
})
afterEach(() => rm(dir, { recursive: true }))

const write = (content: unknown) =>
  writeFile(
    join(dir, 'manifest.json'),
    typeof content === 'string' ? content : JSON.stringify(content),
  )

describe('the guest bundle', () => {
  it('is known by the digest of its tar', async () => {
    await write(manifest)
    expect(await openGuestBundle(dir)).toEqual({
      tarPath: join(dir, 'bundle.tar'),
      digest: `sha256:${hash}`,
      files: [file],
    })
  })

  it.each([
    ['no manifest', undefined],
    ['no JSON', '{'],
    ['another version', { ...manifest, version: 2 }],
    ['a hash that is none', { ...manifest, tar: { sha256: 'xyz', size: 1 } }],
    ['a file outside .microvm', { ...manifest, files: [{ ...file, path: 'etc/passwd' }] }],
    ['no file', { ...manifest, files: [] }],
  ])('is refused with a hint when there is %s', async (_, content) => {
    if (content !== undefined) await write(content)
    await expect(openGuestBundle(dir)).rejects.toMatchObject({
      code: 'PREFLIGHT_FAILED',
      hint: expect.stringContaining('npm run setup'),
    })
  })

  it('is refused when the tar is not the one the manifest is about', async () => {
    await write(manifest)
    const bundle = await openGuestBundle(dir)
    expect(() => checkGuestBundle(bundle, `sha256:${hash}`)).not.toThrow()
    expect(() => checkGuestBundle(bundle, `sha256:${'c'.repeat(64)}`)).toThrow(
      expect.objectContaining({ code: 'DIGEST_MISMATCH' }),
    )
  })
})
