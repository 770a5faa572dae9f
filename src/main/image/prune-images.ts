// SPDX-License-Identifier: Apache-2.0
// Gives disk space back: images that lost their name or, if asked for, all that no machine needs;
// layers that no image has, such as a failed pull leaves; what was set aside as damaged; blobs that
// came in part. Everything is looked at and removed under the store's lock. A pull that is under way
// notices if a layer of its has gone, and takes it in again.
import { lstat, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { PruneReport } from '../../contract/images'
import { withFileLock } from '../lib/file-lock'
import type { ImageRecord, RefRecord } from './image-records'
import { familiarReference, parseReference } from './reference'
import { listMade, readAllImages, removeImage, removeLayers, type RemoveDeps } from './remove-image'

export interface PruneOptions {
  /** Also images that have a name, unless they are kept. */
  readonly all?: boolean
  /** Only images not used, or pulled if never used, for so long. */
  readonly unusedForMs?: number
  /** Manifest digests of images that machines need. */
  readonly keep?: ReadonlySet<string>
  /** Only says what would go. */
  readonly dryRun?: boolean
}

interface Candidate {
  readonly image: ImageRecord
  readonly refs: readonly RefRecord[]
}

/** @returns what has gone, or would go, and the bytes on the disk that it took */
export async function pruneImages(
  deps: RemoveDeps & { readonly now: () => number },
  options: PruneOptions,
): Promise<PruneReport> {
  return withFileLock(deps.paths.lock, async () => {
    const { records, layers, paths } = deps
    const [images, refs] = await Promise.all([readAllImages(records), records.listRefs()])
    const candidates = images.map((image) => ({
      image,
      refs: refs.filter(({ digest }) => digest === image.digest),
    }))
    const going = candidates.filter((candidate) => goes(candidate, options, deps.now()))
    const staying = images.filter((image) => !going.some((other) => other.image === image))
    const lost = await unneededLayers(deps, staying)
    const waste = await wasteIn(paths.layers, paths.refs, paths.manifests)
    const disks = await madeOf(deps, lost)
    const sizes = await Promise.all([
      ...lost.map((diffId) => layers.sizeOnDisk(diffId)),
      ...[...waste, ...disks].map(sizeOf),
    ])
    if (options.dryRun !== true) {
      for (const { image } of going) await removeImage(deps, image, undefined)
      await removeLayers(deps, lost)
      for (const path of waste) await rm(path, { force: true })
    }
    return {
      images: going.flatMap(({ image, refs: names }) => namesOf(image, names)),
      layers: lost.length,
      bytes: sizes.reduce((sum, size) => sum + size, 0),
    }
  })
}

function goes({ image, refs }: Candidate, options: PruneOptions, now: number): boolean {
  if (options.keep?.has(image.digest) || (refs.length > 0 && options.all !== true)) return false
  const usedAt = Math.max(0, ...refs.map(({ lastUsedAt, pulledAt }) => lastUsedAt ?? pulledAt))
  return now - usedAt >= (options.unusedForMs ?? 0)
}

/** Layers that no image which stays has, but for those (the guest bundle) that a disk of such an image needs. */
async function unneededLayers(
  { layers, paths }: RemoveDeps,
  staying: readonly ImageRecord[],
): Promise<string[]> {
  const needed = new Set(staying.flatMap(({ parsed }) => parsed.diffIds))
  const disks = await listMade(paths)
  const alive = disks.filter(({ isOf }) => [...needed].some(isOf))
  const unneeded = (await layers.list()).filter((diffId) => !needed.has(diffId))
  return unneeded.filter((diffId) => !alive.some(({ isOf }) => isOf(diffId)))
}

/** Files of the disks that are made of any of these layers. */
async function madeOf({ paths }: RemoveDeps, diffIds: readonly string[]): Promise<string[]> {
  const going = (await listMade(paths)).filter(({ isOf }) => diffIds.some(isOf))
  const names = await Promise.all(going.map(({ folder }) => readdir(folder, { recursive: true })))
  return going.flatMap(({ folder }, index) => names[index]!.map((name) => join(folder, name)))
}

/** Files of the store that nobody will ask for again. */
async function wasteIn(...folders: readonly string[]): Promise<string[]> {
  const found = await Promise.all(
    folders.map(async (folder) => {
      const names = await readdir(folder).catch(() => [])
      return names.filter((name) => name.endsWith('.corrupt')).map((name) => join(folder, name))
    }),
  )
  return found.flat()
}

const sizeOf = async (path: string): Promise<number> =>
  lstat(path).then(
    ({ blocks }) => blocks * 512,
    () => 0,
  )

const namesOf = ({ digest }: ImageRecord, refs: readonly RefRecord[]): string[] =>
  refs.length === 0
    ? [digest]
    : refs.map(({ reference }) => familiarReference(parseReference(reference)))
