// SPDX-License-Identifier: Apache-2.0
// Our EROFS, judged by fsck.erofs, QEMU's tools and the kernel of this machine.
import { execFile } from 'node:child_process'
import { mkdtemp, open, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { FsNode, FsTree, LayerData } from '../../src/main/image/tree/fs-tree'
import { silentLogger } from '../../src/main/lib/logger'
import { buildErofs } from '../../src/main/rootfs/erofs/inline-image'
import { ensureImageDisk } from '../../src/main/rootfs/image-disk'
import { canMount, checkWithFsck, comparable, listImage, withImage } from '../support/erofs-judge'
import { LayerWriter, expectedListing, newNode, randomTree } from '../support/random-tree'

const run = promisify(execFile)
let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'erofs-test-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

/** Builds the disk and reads it back through QEMU, as one file. */
async function rawDisk(tree: FsTree, key = 'disk'): Promise<string> {
  const deps = { disksDir: join(folder, 'disks'), logger: silentLogger }
  const { descriptorPath } = await ensureImageDisk(deps, async () => tree, key)
  const raw = join(folder, `${key}.raw`)
  await run('qemu-img', ['convert', '-f', 'vmdk', '-O', 'raw', descriptorPath, raw])
  return raw
}

async function expectRight(tree: FsTree): Promise<void> {
  const raw = await rawDisk(tree)
  await checkWithFsck(raw)
  const listing = comparable(await listImage(raw))
  expect(listing).toEqual(comparable(await expectedListing(tree)))
}

const folderOf = (children: Iterable<[string, FsNode]>): FsNode =>
  newNode('directory', { children: new Map(children) })
const treeOf = (children: Iterable<[string, FsNode]>, layers: LayerData[] = []): FsTree => ({
  root: folderOf(children),
  layers,
})

describe('a mounted image disk', () => {
  it.each([1, 2, 3])('shows every object of random tree %i as it is', async (seed) => {
    await expectRight(await randomTree(folder, seed, 2500))
  })

  it('shows an empty root', () => expectRight(treeOf([])))

  it('finds each of 10,000 names in one directory, and no other', async () => {
    const names = Array.from({ length: 10_000 }, (_, i) => `file-${i * 7919}`)
    const tree = treeOf([['d', folderOf(names.map((name) => [name, newNode('file')]))]])
    const raw = await rawDisk(tree)
    await checkWithFsck(raw)
    await withImage(raw, async (root) => {
      const listed = await readdir(join(root, 'd'))
      expect(listed.sort()).toEqual([...names].sort())
      for (const name of names) expect((await stat(join(root, 'd', name))).isFile()).toBe(true)
      for (const name of ['file-', 'file-1', 'file-00', 'a', 'z', '.z'])
        await expect(stat(join(root, 'd', name))).rejects.toThrow(/ENOENT/)
    })
  })

  it('keeps directories whose entries just fit a block, or just do not', async () => {
    // '.' and '..' take 27 bytes; each name of 100 bytes takes 112.
    const folders = Array.from({ length: 40 }, (_unused, spare): [string, FsNode] => {
      const count = 36 + (spare % 2) * 36
      const names = Array.from({ length: count }, (_, i) => String(i).padStart(100, '0'))
      const rest = ((4096 - 27) % 112) + Math.floor(spare / 2)
      names.push('z'.repeat(Math.max(1, rest - 12)))
      return [`spare-${spare}`, folderOf(names.map((name) => [name, newNode('file')]))]
    })
    await expectRight(treeOf(folders))
  })

  it('keeps directories of each size around the end of an inline tail', async () => {
    const folders = Array.from({ length: 130 }, (_unused, extra): [string, FsNode] => {
      const names = Array.from({ length: 15 }, (_, i) => String(i).padStart(244, 'n'))
      names.push('x'.repeat(1 + extra))
      return [`extra-${extra}`, folderOf(names.map((name) => [name, newNode('file')]))]
    })
    await expectRight(treeOf(folders))
  })

  it('keeps symlinks of every length from 1 to 4095 bytes', async () => {
    const links = Array.from({ length: 4095 }, (_, i): [string, FsNode] => [
      `link-${i + 1}`,
      newNode('symlink', { mode: 0o777, target: 'x'.repeat(i + 1) }),
    ])
    await expectRight(treeOf(links))
  })

  it.skipIf(!canMount)('keeps large, odd and many extended attributes byte for byte', async () => {
    const layer = new LayerWriter(folder, 0)
    const big = Buffer.from(Array.from({ length: 60_000 }, (_, i) => i * 31))
    const attributes: [string, Uint8Array][] = [
      ['user.big', big],
      ['trusted.big', big.subarray(7)],
      [`user.${'n'.repeat(250)}`, Buffer.from('long name')],
      ['user.empty', Buffer.alloc(0)],
      // Version 2, effective, cap_net_raw: what setcap writes.
      ['security.capability', Buffer.from('0100000200200000000000000000000000000000', 'hex')],
      // Version 2; user::rw- user:1000:r-- group::r-- mask::r-- other::---
      [
        'system.posix_acl_access',
        Buffer.from(
          '02000000' +
            '01000600ffffffff' +
            '02000400e8030000' +
            '04000400ffffffff' +
            '10000400ffffffff' +
            '20000000ffffffff',
          'hex',
        ),
      ],
      ...Array.from({ length: 200 }, (_, i): [string, Uint8Array] => [
        `user.many-${i}`,
        Buffer.alloc(i, i),
      ]),
    ]
    const named = Object.fromEntries(
      attributes.map(([name, value], i) => [
        `file-${i}`,
        layer.add(Buffer.from('x'), { mode: 0o640, xattrs: new Map([[name, value]]) }),
      ]),
    )
    const all = layer.add(Buffer.from('y'), {
      xattrs: new Map(attributes.filter(([name]) => name.startsWith('user.'))),
    })
    const inFolder = newNode('directory', { xattrs: new Map(attributes.slice(0, 4)) })
    inFolder.children.set('inside', all)
    await expectRight(
      treeOf([...Object.entries(named), ['folder', inFolder]], [await layer.finish()]),
    )
  })

  it('reads the ends of files beyond 4 GiB, from a layer that is larger still', async () => {
    const layers = [new LayerWriter(folder, 0), new LayerWriter(folder, 1)]
    const size = 4 * 1024 ** 3 + 12_345
    const first = layers[0]!.add(Buffer.from('first'), {}, size)
    const second = layers[1]!.add(Buffer.from('second'), {}, size)
    const small = layers[1]!.add(Buffer.from('after it'))
    const data = await Promise.all(layers.map((layer) => layer.finish()))
    const raw = await rawDisk(
      treeOf(
        [
          ['first', first],
          ['second', second],
          ['small', small],
        ],
        data,
      ),
    )
    if (!canMount) return checkWithFsck(raw)
    await withImage(raw, async (root) => {
      for (const name of ['first', 'second']) {
        const file = await open(join(root, name), 'r')
        const end = await file.read(Buffer.alloc(100), 0, 100, size - name.length)
        expect(end.buffer.toString('utf8', 0, end.bytesRead)).toBe(name)
        expect((await file.stat()).size).toBe(size)
        await file.close()
      }
      expect(await readFile(join(root, 'small'), 'utf8')).toBe('after it')
    })
  })
})

describe('the VMDK descriptor', () => {
  it('presents exactly the metadata and the layers, one behind the other', async () => {
    const tree = await randomTree(folder, 7, 300)
    const deps = { disksDir: join(folder, 'disks'), logger: silentLogger }
    const { descriptorPath } = await ensureImageDisk(deps, async () => tree, 'disk')
    const parts = [
      join(folder, 'disks/disk/meta.erofs'),
      ...tree.layers.map(({ dataPath }) => dataPath),
    ]
    const whole = join(folder, 'whole')
    await writeFile(whole, Buffer.concat(await Promise.all(parts.map((path) => readFile(path)))))
    const options = ['-f', 'vmdk', '-F', 'raw']
    const { stdout } = await run('qemu-img', ['compare', ...options, descriptorPath, whole])
    expect(stdout).toContain('Images are identical')
  })

  it('never lets a layer pass for a disk of another format', async () => {
    // A file that begins like a QCOW2 image whose backing file is one of the host's.
    const layer = new LayerWriter(folder, 0)
    const secret = join(folder, 'secret')
    await writeFile(secret, 'of the host'.padEnd(65_536))
    const trap = join(folder, 'trap')
    await run('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', secret, '-F', 'raw', trap])
    const bytes = await readFile(trap)
    const tree = treeOf([['trap', layer.add(bytes)]], [await layer.finish()])
    await withImage(await rawDisk(tree), async (root) => {
      expect((await readFile(join(root, 'trap'))).equals(bytes)).toBe(true)
    })
  })
})

describe('a small self-contained image', () => {
  it('holds its files, links and owners', async () => {
    const image = join(folder, 'small.erofs')
    const content = Buffer.from(Array.from({ length: 5000 }, (_, i) => i))
    const entries = [
      { path: 'keys/authorized', type: 'file', mode: 0o600, uid: 5, gid: 6, content } as const,
      { path: 'keys', type: 'directory', mode: 0o700 } as const,
      { path: 'empty', type: 'file', mode: 0o644 } as const,
      { path: 'deep/down/link', type: 'symlink', mode: 0o777, target: '../../empty' } as const,
    ]
    await writeFile(image, buildErofs(entries))
    await checkWithFsck(image)
    const listing = await listImage(image)
    expect([...listing.keys()]).toEqual([
      '',
      '/deep',
      '/deep/down',
      '/deep/down/link',
      '/empty',
      '/keys',
      '/keys/authorized',
    ])
    expect(listing.get('/keys')).toMatchObject({ mode: 0o700, type: 'directory' })
    expect(listing.get('/deep')).toMatchObject({ mode: 0o755, type: 'directory' })
    expect(listing.get('/empty')).toMatchObject({ size: 0, type: 'file' })
    expect(listing.get('/deep/down/link')!.target).toBe('../../empty')
    expect(listing.get('/keys/authorized')).toMatchObject({ mode: 0o600, size: 5000 })
    if (canMount) expect(listing.get('/keys/authorized')).toMatchObject({ uid: 5, gid: 6 })
    await withImage(image, async (root) => {
      expect((await readFile(join(root, 'keys/authorized'))).equals(content)).toBe(true)
    })
  })
})
