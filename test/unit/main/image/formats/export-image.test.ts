// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { ExportFormat } from '../../../../../src/contract/images'
import type { FsNode, FsTree } from '../../../../../src/main/image/tree/fs-tree'
import type { ImageStore, StoredImage } from '../../../../../src/main/image/image-store'
import { layerTar } from '../../../../../src/main/image/formats/layer-tar'
import { dataPaths } from '../../../../../src/main/lib/data-paths'
import { makeImage } from '../support/make-image'
import { useStore } from '../support/store-fixture'
import { END, memberBytes, paxMember, sha256, tarOf } from '../support/tar-bytes'

const fixture = useStore()
const { publish, storeWith } = fixture
const signal = new AbortController().signal

const image = makeImage([
  [
    { name: 'etc/', flag: '5', mode: 0o700, mtime: 1_000_000 },
    { name: 'etc/a', data: 'first', uid: 7, gid: 9, mode: 0o4755 },
    { name: 'etc/b', flag: '1', link: 'etc/a' },
    { name: 'etc/link', flag: '2', link: '/nowhere' },
    { name: 'dev/null', flag: '3', major: 1, minor: 3 },
    { name: 'dev/pipe', flag: '6' },
    { name: 'large', data: Buffer.alloc(3_000_001, 'L') },
    { name: 'gone', data: 'gone' },
  ],
  [
    { name: '.wh.gone', data: 'a whiteout with content' },
    {
      name: 'x',
      data: 'attributed',
      pax: {
        path: `deep/${'n'.repeat(150)}/naïve`,
        mtime: '-1.25',
        uid: '3000000000',
        'SCHILY.xattr.user.odd': Buffer.from([0, 255, 61, 10]),
      },
    },
  ],
])

async function collect(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = []
  for await (const chunk of chunks) all.push(chunk)
  return Buffer.concat(all)
}

const exported = async (store: ImageStore, reference: string, format: ExportFormat) =>
  collect(await store.exportImage(reference, format, signal))

async function* inPieces(bytes: Buffer): AsyncGenerator<Buffer, void> {
  for (let at = 0; at < bytes.length; at += 100_000) yield bytes.subarray(at, at + 100_000)
}

/** Every file with all there is to it, its content as a hash. */
function describeTree({ root, layers }: FsTree): Record<string, unknown> {
  const all: Record<string, unknown> = {}
  const inodes = new Map<FsNode, number>()
  const visit = (path: string, node: FsNode): void => {
    if (!inodes.has(node)) inodes.set(node, inodes.size)
    const { children, layer, offset, size, xattrs, ...rest } = node
    const bytes = size === 0 ? Buffer.alloc(0) : readFileSync(layers[layer]!.dataPath)
    const content = sha256(bytes.subarray(offset, offset + size))
    const values = [...xattrs].map(([name, value]) => [name, Buffer.from(value).toString('hex')])
    all[path] = { ...rest, size, content, xattrs: values, inode: inodes.get(node) }
    const names = [...children.keys()].toSorted()
    for (const name of names) visit(`${path}/${name}`, children.get(name)!)
  }
  visit('', root)
  return all
}

const treeOf = async (store: ImageStore, stored: StoredImage) =>
  describeTree(await store.tree(stored))

/** A store with nothing in it. */
function emptyStore(): ImageStore {
  return storeWith({ paths: dataPaths(fixture.freshFolder()).images })
}

describe('an exported image', () => {
  it.each(['oci', 'docker'] as const)(
    'as %s comes back as it was, ID and layers too',
    async (format) => {
      const store = storeWith()
      const reference = publish(image, 'v1')
      const before = await store.pull(reference, {})
      const archive = await exported(store, reference, format)
      const other = emptyStore()
      const after = await other.importStream(inPieces(archive), {})
      expect(after.view.reference).toBe(reference)
      expect(after.view.layers.map(({ diffId }) => diffId)).toEqual(image.diffIds)
      expect(after.view.config).toEqual(before.view.config)
      expect(await treeOf(other, after)).toEqual(await treeOf(store, before))
      // Once more gives the same bytes, and from the other store, too.
      expect(sha256(await exported(other, reference, format))).toBe(sha256(archive))
    },
  )

  it('as rootfs is the tree, as a tar that can be imported', async () => {
    const store = storeWith()
    const reference = publish(image, 'v1')
    const before = await store.pull(reference, {})
    const archive = await exported(store, reference, 'rootfs')
    const other = emptyStore()
    const after = await other.importStream(inPieces(archive), { reference: 'files:v1' })
    expect(after.view.layers).toHaveLength(1)
    expect(await treeOf(other, after)).toEqual(await treeOf(store, before))
    expect(sha256(await exported(other, 'files:v1', 'rootfs'))).toBe(sha256(archive))
  })

  it('by digest has no name', async () => {
    const store = storeWith()
    const { view } = await store.pull(publish(image, 'v1'), {})
    const archive = await exported(store, view.digest, 'oci')
    const after = await emptyStore().importStream(inPieces(archive), {})
    expect(after.view.reference).toBe('image')
  })

  it('that is not here fails', async () => {
    await expect(storeWith().exportImage('nothing', 'oci', signal)).rejects.toMatchObject({
      code: 'IMAGE_NOT_FOUND',
    })
  })

  it('with a damaged layer fails before its end', async () => {
    const store = storeWith()
    const reference = publish(image, 'v1')
    await store.pull(reference, {})
    const data = join(fixture.paths.layers, `${image.diffIds[0]!.slice(7)}.data`)
    const bytes = readFileSync(data)
    bytes[0]! ^= 1
    writeFileSync(data, bytes)
    await expect(exported(store, reference, 'oci')).rejects.toMatchObject({ code: 'STATE_CORRUPT' })
  })
})

describe('a stored layer', () => {
  const long = 'l'.repeat(130)
  const odd = {
    'with PAX, GNU and V7 headers': tarOf(
      { name: 'a', data: 'x', pax: { path: 'longer', comment: 'kept' } },
      { name: '././@LongLink', flag: 'L', data: `${long}\0`, format: 'gnu' },
      { name: 'cut', data: 'y', format: 'gnu' },
      { name: 'dir/', flag: '\0', format: 'v7' },
    ),
    'with a global header': Buffer.concat([
      paxMember({ comment: 'all' }, 'g'),
      tarOf({ name: 'a' }),
    ]),
    'with bytes behind its end': Buffer.concat([
      memberBytes({ name: 'a', data: 'z'.repeat(5000) }),
      END,
      createHash('sha512').update('noise').digest(),
      Buffer.alloc(9000),
    ]),
    'without an end': memberBytes({ name: 'a', data: 'z' }),
    'with padding that is not zero': (() => {
      const bytes = memberBytes({ name: 'a', data: 'z' })
      bytes.fill(7, 520)
      return Buffer.concat([bytes, END])
    })(),
    'with nothing in it': Buffer.alloc(0),
    'with many small files': tarOf(
      ...Array.from({ length: 3000 }, (_, i) => ({ name: `f${i}`, data: `content ${i}` })),
    ),
  }

  it.each(Object.entries(odd))('%s comes out byte for byte', async (_what, tar) => {
    const store = storeWith()
    const path = `${fixture.freshFolder()}.tar`
    writeFileSync(path, tar)
    const { diffId } = await store.ensureLayer(path)
    const back = await collect(layerTar(fixture.paths.layers, diffId, signal))
    expect(back.equals(tar)).toBe(true)
  })
})
