// SPDX-License-Identifier: Apache-2.0
// What is left of images that aim at what is not theirs, once we have taken them in: a file system that
// fsck.erofs finds sound, that Linux shows as we mean it, and that umoci, which unpacks the same
// image into a folder, agrees with.
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createImageStore, type ImageStore } from '../../src/main/image/image-store'
import { ingestLayer } from '../../src/main/image/layers/layer-ingest'
import type { FsTree } from '../../src/main/image/tree/fs-tree'
import { dataPaths } from '../../src/main/lib/data-paths'
import { silentLogger } from '../../src/main/lib/logger'
import { ensureImageDisk } from '../../src/main/rootfs/image-disk'
import {
  checkWithFsck,
  comparable,
  listFolder,
  listImage,
  type Listing,
} from '../support/erofs-judge'
import { expectedListing } from '../support/random-tree'
import { makeImage, writeLayout } from '../unit/main/image/support/make-image'
import { dir, file, hard, link } from '../unit/main/image/support/make-tree'
import type { Member } from '../unit/main/image/support/tar-bytes'

const run = promisify(execFile)
let folder: string
let store: ImageStore
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hostile-trees-'))
  store = createImageStore({
    paths: dataPaths(folder).images,
    starterLayout: undefined,
    logger: silentLogger,
    arch: 'x64',
    ingest: ingestLayer,
  })
})
afterAll(() => rm(folder, { recursive: true }))

let turn = 0
async function takeIn(
  layers: readonly (readonly Member[])[],
): Promise<{ tree: FsTree; layout: string }> {
  const layout = writeLayout(join(folder, `layout-${turn++}`), {
    image: makeImage(layers),
    name: 'v1',
  })
  const image = await store.importPath(layout, { reference: `hostile:${turn}` })
  return { tree: await store.tree(image), layout }
}

async function mounted(tree: FsTree): Promise<Listing> {
  const deps = { disksDir: join(folder, 'disks'), logger: silentLogger }
  const { descriptorPath } = await ensureImageDisk(deps, async () => tree, `disk-${turn}`)
  const raw = join(folder, `${turn}.raw`)
  await run('qemu-img', ['convert', '-f', 'vmdk', '-O', 'raw', descriptorPath, raw])
  await checkWithFsck(raw)
  return listImage(raw)
}

async function unpackedByUmoci(layout: string): Promise<Listing> {
  const bundle = join(folder, `bundle-${turn}`)
  const options = process.getuid?.() === 0 ? [] : ['--rootless']
  await run('umoci', ['unpack', ...options, '--image', `${layout}:v1`, bundle])
  return listFolder(join(bundle, 'rootfs'))
}

/** Folders that no entry tells of have the times and modes of whoever made them. */
const essence = (listing: Listing): unknown[] =>
  [...listing].map(([path, { type, target, content, sameAs, links, size, device }]) =>
    type === 'directory'
      ? { path, type }
      : { path, type, target, content, sameAs, links, size, device },
  )

const etc = [dir('etc/'), file('etc/passwd', 'own', { mode: 0o640, uid: 7 })]
const images: Record<string, readonly (readonly Member[])[]> = {
  'links up and out of the root': [
    [
      ...etc,
      link('out', '../../../../etc'),
      link('abs', '/../../etc'),
      link('proc', '/proc/self/root'),
    ],
    [file('out/a', 'through out'), file('abs/b', 'through abs'), link('out/back', '/out')],
  ],
  'links in chains': [
    [...etc, link('a', 'b'), link('b', '/c'), link('c', './etc/../etc')],
    [file('a/new', 'n'), hard('hard', 'a/passwd'), hard('b/again', 'c/new')],
  ],
  'names that are odd': [
    [
      file('a\nb', 'line'),
      file('..\\..\\x', 'backslash'),
      file('..a', 'dots'),
      file(' ', 'blank'),
      file('-rf', 'option'),
      file('\u001b[2J', 'escape'),
      file('e\u0301', 'apart'),
      file('\u00e9', 'together'),
      file('*', 'star'),
    ],
  ],
  'types over other types': [
    [dir('d/'), file('d/x', 'x'), file('f', 'f'), link('l', 'd'), { name: 'p', flag: '6' }],
    [
      file('d', 'now a file'),
      dir('f/'),
      file('f/in', 'in'),
      file('l', 'no link'),
      file('p', 'file'),
    ],
    [link('d', 'f'), file('f/in', 'other')],
  ],
  'whiteouts in every place': [
    [
      ...etc,
      file('d/a', 'a'),
      file('d/b', 'b'),
      file('e/x/y', 'y'),
      link('l', 'd'),
      file('g', 'g'),
    ],
    [
      file('d/.wh.a'),
      file('d/c', 'c'),
      file('e/.wh..wh..opq'),
      file('e/new', 'n'),
      file('.wh.l'),
      file('.wh.none'),
    ],
    [file('.wh.g'), dir('g/'), file('g/in', 'in')],
  ],
  'hard links over layers': [
    [file('a', 'content'), hard('b', 'a')],
    [hard('c', 'b'), file('a', 'other')],
    [file('.wh.b')],
  ],
}

describe('an image with', () => {
  it.each(Object.entries(images))('%s is the same to Linux and to umoci', async (_what, layers) => {
    const { tree, layout } = await takeIn(layers)
    const seen = await mounted(tree)
    expect(comparable(seen)).toEqual(comparable(await expectedListing(tree)))
    expect(essence(seen)).toEqual(essence(await unpackedByUmoci(layout)))
  })

  it('numbers, names and attributes at their bounds is as it says', async () => {
    const { tree } = await takeIn([
      [
        file('n'.repeat(255).slice(0, 100), 'x', { pax: { path: `d/${'n'.repeat(255)}` } }),
        file('owner', 'x', { pax: { uid: '4294967294', gid: '4294967294' } }),
        file('early', 'x', { pax: { mtime: '-2147483648.999999999' } }),
        file('late', 'x', { pax: { mtime: '99999999999' } }),
        file('mode', 'x', { mode: 0o7777 }),
        { name: 'device', flag: '3', major: 0o7777, minor: 0o3777777 },
        { ...link('link', 'x'), pax: { linkpath: 'x'.repeat(4095) } },
        file('attributes', 'x', {
          pax: {
            'SCHILY.xattr.user.large': Buffer.alloc(60_000, 7),
            [`SCHILY.xattr.user.${'n'.repeat(250)}`]: 'long',
            'SCHILY.xattr.trusted.overlay.opaque': 'y',
            'SCHILY.xattr.unknown.space': 'y',
          },
        }),
      ],
    ])
    const expected = await expectedListing(tree)
    const attributes = expected.get('/attributes')!
    // Linux has no such namespace.
    attributes.xattrs = attributes.xattrs.filter((text) => !text.startsWith('unknown.'))
    expect(attributes.xattrs).toHaveLength(2)
    expect(comparable(await mounted(tree))).toEqual(comparable(expected))
  })
})
