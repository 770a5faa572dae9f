// SPDX-License-Identifier: Apache-2.0
// Takes a name away from an image and, if that was its last, everything that only this image needs:
// manifest, config, layers, and the bootable disks made from those layers. Whether a machine still
// needs the image is for the caller to know.
import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { DataPaths } from '../lib/data-paths'
import { removeTree } from '../lib/remove-tree'
import { hexOf } from './digest'
import type { ImageRecord, ImageRecords } from './image-records'
import type { LayerStore } from './layers/layer-store'

export interface RemoveDeps {
  readonly paths: DataPaths['images']
  readonly layers: LayerStore
  readonly records: ImageRecords
}

/**
 * To be called under the store's lock.
 * @param reference the canonical name to take away; all of them if absent
 */
export async function removeImage(
  { paths, layers, records }: RemoveDeps,
  image: ImageRecord,
  reference: string | undefined,
): Promise<void> {
  const refs = (await records.listRefs()).filter(({ digest }) => digest === image.digest)
  const going = refs.filter((ref) => reference === undefined || ref.reference === reference)
  for (const ref of going) await records.removeRef(ref.reference)
  if (going.length < refs.length) return
  const others = (await readAllImages(records)).filter(({ digest }) => digest !== image.digest)
  await records.removeImage(
    image,
    others.some(({ configDigest }) => configDigest === image.configDigest),
  )
  const needed = new Set(others.flatMap(({ parsed }) => parsed.diffIds))
  const unneeded = image.parsed.diffIds.filter((diffId) => !needed.has(diffId))
  await removeLayers({ paths, layers }, unneeded)
}

/** Layers that no image has any more, and what was made of them. To be called under the store's lock. */
export async function removeLayers(
  { paths, layers }: Pick<RemoveDeps, 'paths' | 'layers'>,
  diffIds: readonly string[],
): Promise<void> {
  // Disks first: one that is there must have all its layers.
  for (const { folder, isOf } of await listMade(paths))
    if (diffIds.some(isOf)) await removeTree(folder)
  for (const diffId of diffIds) await layers.remove(diffId)
}

export async function readAllImages(records: ImageRecords): Promise<ImageRecord[]> {
  const images = await Promise.all(
    (await records.listDigests()).map((digest) => records.readImage(digest)),
  )
  return images.filter((image) => image !== undefined)
}

/** A disk or directory made of layers. */
export interface Made {
  readonly kind: 'disk' | 'directory'
  readonly folder: string
  isOf(this: void, diffId: string): boolean
}

type Paths = RemoveDeps['paths']

/**
 * What is made of layers, each in a folder of its own: a disk's descriptor, and a directory's list, name
 * the data files that it is made of (rootfs/image-disk.ts, rootfs/directory/root-directory.ts).
 */
export const madeKinds = [
  { kind: 'disk', parentOf: (paths: Paths) => paths.disks, list: 'disk.vmdk' },
  { kind: 'directory', parentOf: (paths: Paths) => paths.directories, list: 'layers' },
] as const

/** All that are finished. */
export async function listMade(paths: Paths): Promise<Made[]> {
  const found = await Promise.all(
    madeKinds.map(async ({ kind, parentOf, list }) => {
      const names = await readdir(parentOf(paths)).catch(() => [])
      return Promise.all(
        names
          .filter((name) => !name.startsWith('.'))
          .map(async (name): Promise<Made[]> => {
            const folder = join(parentOf(paths), name)
            const text = await readFile(join(folder, list), 'latin1').catch(() => undefined)
            if (text === undefined) return []
            const isOf = (diffId: string): boolean => text.includes(`${hexOf(diffId)}.data`)
            return [{ kind, folder, isOf }]
          }),
      )
    }),
  )
  return found.flat(2)
}
