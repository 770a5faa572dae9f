// SPDX-License-Identifier: Apache-2.0
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { examineVirtiofsd, requireOwners } from '../../../../src/main/lib/virtiofsd'

let dir: string
beforeAll(async () => (dir = await mkdtemp(join(tmpdir(), 'virtiofsd-'))))
afterAll(() => rm(dir, { recursive: true }))

/** A program whose --help says this. */
async function program(help: string): Promise<string> {
  const path = join(dir, 'virtiofsd')
  await writeFile(path, `#!/bin/sh\n[ "$1" = --help ] && echo '${help}'\n`)
  await chmod(path, 0o755)
  return path
}

describe('a virtiofsd', () => {
  it.each([
    ['-o source=PATH  shared directory tree', { kind: 'c', translatesOwners: false }],
    ['--shared-dir <DIR>', { kind: 'rust', translatesOwners: false }],
    ['--shared-dir <DIR>\n--translate-uid <MAP>', { kind: 'rust', translatesOwners: true }],
  ])('is known by its help: %j', async (help, expected) => {
    expect(await examineVirtiofsd(await program(help))).toEqual(expected)
  })

  it('is refused, with how to get one, if it is another program or none', async () => {
    const refused = {
      code: 'HYPERVISOR_FAILED',
      hint: expect.stringContaining('apt-get') as string,
    }
    await expect(examineVirtiofsd(await program('ls'))).rejects.toMatchObject(refused)
    await expect(examineVirtiofsd(join(dir, 'none'))).rejects.toMatchObject(refused)
  })
})

describe('owners of shared folders', () => {
  const owned = { hostPath: '/a', owner: { uid: 1, gid: 2 } }
  const plain = { hostPath: '/b' }
  const able = { kind: 'rust', translatesOwners: true } as const
  const unable = { kind: 'c', translatesOwners: false } as const

  it('need a virtiofsd that translates', () => {
    expect(() => requireOwners(unable, [plain])).not.toThrow()
    expect(() => requireOwners(able, [owned, owned])).not.toThrow()
    expect(() => requireOwners(unable, [plain, owned])).toThrow('/a as owned by 1:2')
  })

  it('are the same for all folders of a machine', () => {
    expect(() => requireOwners(able, [owned, plain])).toThrow('/a and /b')
    const other = { hostPath: '/c', owner: { uid: 1, gid: 3 } }
    expect(() => requireOwners(able, [owned, other])).toThrow('/a and /c')
  })
})
