// SPDX-License-Identifier: Apache-2.0
// Gives the space of disk images back: of what no source names any more, of what was set aside or was
// left half done, and, if asked for, of all that no machine needs.
import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { ifLockIsFree } from '../../lib/file-lock'
import { hexOf } from '../digest'
import { PART_SUFFIX } from '../registry/blob-part'
import type { TempFiles } from '../temp-files'
import type { DiskRecord, DiskRecords } from './disk-records'
import { versionPath } from './download-disk'

export interface DiskPruneOptions {
  /** Also images that are only not needed. */
  readonly all?: boolean
  /** Of these, only ones not used for so long. */
  readonly unusedForMs?: number
  /** Sources of images that machines need. */
  readonly keep?: ReadonlySet<string>
  /** Raw disks that machines run from, whatever their source gives by now: hex digits of digests. */
  readonly inUse?: ReadonlySet<string>
  /** Only says what would go. */
  readonly dryRun?: boolean
}

export interface DiskPruneReport {
  /** Sources of images that have gone, or would go. */
  readonly disks: readonly string[]
  /** Bytes on the disk. */
  readonly bytes: number
}

interface PruneDeps {
  readonly folder: string
  readonly records: DiskRecords
  readonly temp: TempFiles
  readonly now: () => number
}

/** To be called under the lock of the disk images. */
export async function pruneDisks(
  { folder, records, temp, now }: PruneDeps,
  options: DiskPruneOptions,
): Promise<DiskPruneReport> {
  const all = await records.list()
  const going = all.filter((record) => goes(record, options, now()))
  const kept = all.filter((record) => !going.includes(record))
  const needed = new Set(kept.map(({ digest }) => `${hexOf(digest)}.raw`))
  const names = await readdir(folder).catch(() => [])
  const waste = names
    .filter((name) => (name.endsWith('.raw') && !needed.has(name)) || name.endsWith('.corrupt'))
    .filter((name) => !(name.endsWith('.raw') && options.inUse?.has(name.slice(0, -'.raw'.length))))
    .map((name) => join(folder, name))
  const lost = [...waste, ...(await records.waste()), ...(await temp.dead())]
  const removes = options.dryRun !== true
  let bytes = 0
  const take = async (path: string): Promise<void> => {
    bytes += await sizeOnDisk(path)
    if (removes) await rm(path, { force: true })
  }
  if (removes) for (const { source } of going) await records.remove(source)
  for (const path of lost) await take(path)
  // A part is held under its own lock by whoever works on it.
  for (const name of names.filter((other) => other.endsWith(PART_SUFFIX)))
    await ifLockIsFree(join(folder, name), () => take(join(folder, name)))
  if (removes) await sweepVersions(folder)
  return { disks: going.map(({ source }) => source), bytes }
}

function goes(
  { source, lastUsedAt }: DiskRecord,
  { all = false, keep, unusedForMs = 0 }: DiskPruneOptions,
  now: number,
): boolean {
  return all && !keep?.has(source) && now - lastUsedAt >= unusedForMs
}

/** What was noted of parts that are gone. */
async function sweepVersions(folder: string): Promise<void> {
  const names = new Set(await readdir(folder).catch(() => []))
  const suffix = versionPath(PART_SUFFIX)
  for (const name of names)
    if (name.endsWith(suffix) && !names.has(name.slice(0, -'.json'.length)))
      await rm(join(folder, name), { force: true })
}

const sizeOnDisk = (path: string): Promise<number> =>
  stat(path).then(
    ({ blocks }) => blocks * 512,
    () => 0,
  )
