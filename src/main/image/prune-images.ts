// SPDX-License-Identifier: Apache-2.0
// Gives disk space back: images that lost their name or, if asked for, all that no machine needs;
// layers that no image has, such as a failed pull leaves; disks with the guest bundle of an older
// version of the app; what was set aside as damaged; what killed processes have left (leftovers.ts).
// Everything is looked at and removed under the store's lock. A pull that is under way notices if a
// layer of its has gone, and takes it in again.
import { lstat, readdir, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { PruneReport } from '../../contract/images'
import { withFileLock } from '../lib/file-lock'
import { removeTree } from '../lib/remove-tree'
import type { ImageRecord, RefRecord } from './image-records'
import { strayRecords, tempRecords, withUnfinished } from './leftovers'
import { familiarReference, parseReference } from './reference'
import { withIdleParts } from './registry/blob-part'
import {
  listMade,
  readAllImages,
  removeImage,
  removeLayers,
  type Made,
  type RemoveDeps,
} from './remove-image'

export interface PruneOptions {
  /** Also images that have a name, unless they are kept. */
  readonly all?: boolean
  /** Only images not used, or pulled if never used, for so long. */
  readonly unusedForMs?: number
  /** Manifest digests of images that machines need. */
  readonly keep?: ReadonlySet<string>
  /** diffID of the guest bundle that machines start with now: it stays, disks with another one go. */
  readonly bundle?: string
  /** Names in the folder of disks: those that a machine is running from. */
  readonly disksInUse?: ReadonlySet<string>
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
    const made = await listMade(paths)
    const outdated = made.filter((one) => isOutdated(one, options))
    const kept = made.filter((one) => !outdated.includes(one))
    const lost = await unneededLayers(deps, staying, kept, options)
    const folders = [...outdated, ...kept.filter(({ isOf }) => lost.some(isOf))]
    const waste = [
      ...(await setAside(paths.layers, paths.refs, paths.manifests)),
      ...(await layers.temps.dead()),
      ...(await tempRecords(paths)),
      ...(await strayRecords(paths, images)),
    ]
    const removes = options.dryRun !== true
    let bytes = await sizeOfAll([...waste, ...folders.map(({ folder }) => folder)])
    for (const diffId of lost) bytes += await layers.sizeOnDisk(diffId)
    if (removes) {
      for (const { image } of going) await removeImage(deps, image, undefined)
      for (const { folder } of outdated) await removeTree(folder)
      await removeLayers(deps, lost)
      for (const path of waste) await rm(path, { force: true })
    }
    await withIdleParts(paths.layers, async (part) => {
      bytes += await sizeOfAll([part])
      if (removes) await rm(part, { force: true })
    })
    await withUnfinished(paths, async (unfinished) => {
      bytes += await sizeOfAll(unfinished)
      if (removes) for (const folder of unfinished) await removeTree(folder)
    })
    return {
      images: going.flatMap(({ image, refs: names }) => namesOf(image, names)),
      layers: lost.length,
      bytes,
    }
  })
}

/** The bundle is a layer of every disk, and of no directory. */
function isOutdated({ kind, folder, isOf }: Made, { bundle, disksInUse }: PruneOptions): boolean {
  return (
    kind === 'disk' &&
    bundle !== undefined &&
    !isOf(bundle) &&
    disksInUse?.has(basename(folder)) !== true
  )
}

function goes({ image, refs }: Candidate, options: PruneOptions, now: number): boolean {
  if (options.keep?.has(image.digest) || (refs.length > 0 && options.all !== true)) return false
  const usedAt = Math.max(0, ...refs.map(({ lastUsedAt, pulledAt }) => lastUsedAt ?? pulledAt))
  return now - usedAt >= (options.unusedForMs ?? 0)
}

/**
 * Layers that no image which stays has. Not the guest bundle: the next machine needs it, and one that is running
 * from an older version's disk needs that one's.
 */
async function unneededLayers(
  { layers }: RemoveDeps,
  staying: readonly ImageRecord[],
  made: readonly Made[],
  { bundle }: PruneOptions,
): Promise<string[]> {
  const needed = new Set(staying.flatMap(({ parsed }) => parsed.diffIds))
  const alive = made.filter(({ isOf }) => [...needed].some(isOf))
  const unneeded = (await layers.list()).filter((id) => !needed.has(id) && id !== bundle)
  return unneeded.filter((diffId) => !alive.some(({ isOf }) => isOf(diffId)))
}

/** Damaged files that nobody will ask for again. */
async function setAside(...folders: readonly string[]): Promise<string[]> {
  const found = await Promise.all(
    folders.map(async (folder) => {
      const names = await readdir(folder).catch(() => [])
      return names.filter((name) => name.endsWith('.corrupt')).map((name) => join(folder, name))
    }),
  )
  return found.flat()
}

/** What files, and all that lies in folders, take on the disk. */
async function sizeOfAll(paths: readonly string[]): Promise<number> {
  let bytes = 0
  for (const path of paths) {
    const found = await lstat(path).catch(() => undefined)
    if (found?.isDirectory())
      bytes += await sizeOfAll((await readdir(path)).map((name) => join(path, name)))
    else bytes += (found?.blocks ?? 0) * 512
  }
  return bytes
}

const namesOf = ({ digest }: ImageRecord, refs: readonly RefRecord[]): string[] =>
  refs.length === 0
    ? [digest]
    : refs.map(({ reference }) => familiarReference(parseReference(reference)))
