// SPDX-License-Identifier: Apache-2.0
// What killed processes have left in the store, and when it goes:
// - temp files of layers and archives: when anything else is written, or by a prune (temp-files.ts);
// - half of a layer, temp files of records: when the next image comes in, or by a prune;
// - parts of blobs: when the next image comes in after their layer has, or after a week; by a prune;
// - disks and directories half made or half removed, records and whole layers of no image: by a prune.
import { readdir, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { DataPaths } from '../lib/data-paths'
import { ifLockIsFree } from '../lib/file-lock'
import { hexOf } from './digest'
import type { ImageRecord } from './image-records'
import { withIdleParts } from './registry/blob-part'
import { madeKinds } from './remove-image'
import { TEMP_SUFFIX } from './temp-files'

/** By whoever makes a disk or a directory, in the folder of them. */
const LOCK = '.lock'
/** Nobody is coming back for a part this old. */
const PART_KEPT_MS = 7 * 24 * 60 * 60 * 1000

type Paths = DataPaths['images']

/** To be called under the store's lock, as all of these. @param now milliseconds since the epoch */
export async function sweep(paths: Paths, now: number): Promise<void> {
  for (const path of [...(await halfLayers(paths)), ...(await tempRecords(paths))])
    await rm(path, { force: true })
  const layers = await wholeLayers(paths)
  await withIdleParts(paths.layers, async (path, modifiedAt) => {
    // Named by the layer that it is a part of (fetch-layer.ts).
    const isUseless = layers.has(basename(path).split('-', 1)[0]!)
    if (isUseless || now - modifiedAt > PART_KEPT_MS) await rm(path, { force: true })
  })
}

/** Files of layers without an index: they get their names one after the other, under the lock. */
async function halfLayers(paths: Paths): Promise<string[]> {
  const whole = await wholeLayers(paths)
  const isHalf = (name: string): boolean =>
    /^[0-9a-f]{64}\.(?:data|frame)$/.test(name) && !whole.has(stemOf(name))
  return (await namesIn(paths.layers)).filter(isHalf).map(within(paths.layers))
}

/** As the hexadecimal digits of their diffIDs. */
async function wholeLayers({ layers }: Paths): Promise<Set<string>> {
  const indexes = (await namesIn(layers)).filter((name) => name.endsWith('.index'))
  return new Set(indexes.map(stemOf))
}

/** Records that were being written: that, too, is done under the lock only. */
export async function tempRecords({ manifests, refs }: Paths): Promise<string[]> {
  const found = [manifests, refs].map(async (folder) => (await namesIn(folder)).map(within(folder)))
  return (await Promise.all(found)).flat().filter((path) => path.endsWith(TEMP_SUFFIX))
}

/** Manifests without their config, configs without their manifest. */
export async function strayRecords(
  { manifests }: Paths,
  images: readonly ImageRecord[],
): Promise<string[]> {
  const needed = new Set(
    images.flatMap(({ digest, configDigest }) => [
      `${hexOf(digest)}.manifest.json`,
      `${hexOf(configDigest)}.config.json`,
    ]),
  )
  const isRecord = (name: string): boolean => /^[0-9a-f]{64}\.(?:manifest|config)\.json$/.test(name)
  const names = (await namesIn(manifests)).filter((name) => isRecord(name) && !needed.has(name))
  return names.map(within(manifests))
}

/**
 * Runs `use` with the folders of disks and directories that were never finished, or not removed to the
 * end, while nobody makes any; leaves a kind out that somebody makes one of just now.
 */
export async function withUnfinished(
  paths: Paths,
  use: (folders: readonly string[]) => Promise<void>,
): Promise<void> {
  for (const { parentOf, list } of madeKinds) {
    const parent = parentOf(paths)
    if ((await unfinished(parent, list)).length === 0) continue
    // What is there still when nobody is at work is dead.
    await ifLockIsFree(join(parent, LOCK), async () => use(await unfinished(parent, list)))
  }
}

async function unfinished(parent: string, list: string): Promise<string[]> {
  const folders: string[] = []
  for (const name of (await namesIn(parent)).filter((other) => other !== LOCK)) {
    const isWhole = (await namesIn(join(parent, name))).includes(list)
    if (name.startsWith('.') || !isWhole) folders.push(join(parent, name))
  }
  return folders
}

const stemOf = (name: string): string => name.slice(0, name.indexOf('.'))
const within =
  (folder: string) =>
  (name: string): string =>
    join(folder, name)
const namesIn = (folder: string): Promise<string[]> => readdir(folder).catch(() => [])
