// SPDX-License-Identifier: Apache-2.0
// A machine's root as a directory of the host: for a real Debian the very tree that umoci unpacks.
import { execFile } from 'node:child_process'
import { copyFile, lstat, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createImageStore } from '../../src/main/image/image-store'
import { dataPaths } from '../../src/main/lib/data-paths'
import { silentLogger } from '../../src/main/lib/logger'
import { ensureRootDirectory } from '../../src/main/rootfs/directory/root-directory'
import { debianImage, type DebianImage } from '../support/debian-image'
import { listingDifferences } from '../support/listing-differences'

const run = promisify(execFile)

let home: string
let image: DebianImage
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'microvm-directory-'))
  image = await debianImage()
}, 300_000)
afterAll(() => rm(home, { recursive: true, force: true }))

describe('a Debian as a directory', () => {
  let root: string
  beforeAll(async () => {
    const { images } = dataPaths(join(home, 'data'))
    const logger = silentLogger
    const store = createImageStore({ paths: images, starterLayout: undefined, logger })
    const stored = await store.importPath(image.layout, { reference: 'debian' })
    root = join(home, 'root')
    const deps = { imagesDir: images.directories, logger }
    await ensureRootDirectory(deps, root, 'debian', () => store.tree(stored))
  })

  it('is what umoci unpacks: owners, modes, times, links, attributes, content', async () => {
    await copyFile(join(import.meta.dirname, '../support/listing.sh'), join(root, 'tmp/listing.sh'))
    const { stdout } = await run('chroot', [root, '/bin/sh', '/tmp/listing.sh'], {
      maxBuffer: 2 ** 28,
    })
    const listing = stdout.replaceAll(/ user\.containers\.override_stat=0x[0-9a-f]+/g, '')
    // Node sets times to the microsecond.
    const different = listingDifferences(image.expectedListing, listing, 1000)
    const special = / \/opt\/(null|loop|fifo)\b/
    const plain = /^\+ # file: [^=]+$/ // files that have no attribute but ours
    expect(different.filter((line) => !special.test(line) && !plain.test(line))).toEqual([])
  })

  it('has plain files for devices and fifos, which tell the guest what they are', async () => {
    const names = ['null', 'loop', 'fifo'].map((name) => join(root, 'opt', name))
    const { stdout } = await run('getfattr', [
      ...['--only-values', '--absolute-names', '-n', 'user.containers.override_stat'],
      ...names,
    ])
    expect(stdout).toBe('0:0:0206660:0:0606440:0:010644')
    for (const name of names) {
      const facts = await lstat(name)
      expect([facts.isFile(), facts.size]).toEqual([true, 0])
    }
  })
})
