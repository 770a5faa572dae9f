// SPDX-License-Identifier: Apache-2.0
// Files that are either the old content or the new one, never something between.
import { randomBytes } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { explainFullDisk, roomText } from './full-disk'

/**
 * Writes a whole file: temp name in the same folder, fsync, rename, fsync of the folder.
 * @param options.mode permission bits, 0600 unless given
 * @throws DISK_FULL, the system's error; with the temp file removed and the old content untouched
 */
export async function writeFileAtomic(
  path: string,
  data: string | Uint8Array,
  options: { mode?: number } = {},
): Promise<void> {
  const temp = `${path}.${randomBytes(6).toString('hex')}.tmp`
  try {
    const file = await open(temp, 'wx', options.mode ?? 0o600)
    try {
      await file.writeFile(data)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temp, path)
  } catch (error) {
    await rm(temp, { force: true })
    throw explainFullDisk(error, dirname(path), `${basename(path)} takes ${roomText(data.length)}`)
  }
  await syncFolder(dirname(path))
}

/** Makes renames and new names in a folder survive a power cut. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
