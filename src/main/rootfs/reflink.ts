// SPDX-License-Identifier: Apache-2.0
// Copies that share their blocks with the original until one of the two is written (btrfs, XFS, APFS).
import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { copyFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** What a reflink answers where the file system, or the pair of them, cannot do it. */
const refusals = new Set(['ENOTSUP', 'EOPNOTSUPP', 'EXDEV', 'EINVAL', 'ENOSYS', 'ENOTTY', 'EPERM'])

/**
 * @param target must not exist
 * @returns false, with nothing made, where it cannot be done
 * @throws the system's error for any other failure
 */
export async function reflink(source: string, target: string): Promise<boolean> {
  try {
    await copyFile(source, target, constants.COPYFILE_FICLONE_FORCE | constants.COPYFILE_EXCL)
    return true
  } catch (error) {
    if (refusals.has((error as NodeJS.ErrnoException).code ?? '')) return false
    throw error
  }
}

/** Whether files of one folder can be cloned into another; tries it with a file of a few bytes. */
export async function canReflink(fromDir: string, toDir: string): Promise<boolean> {
  const name = `.reflink-${randomBytes(6).toString('hex')}`
  const [source, target] = [join(fromDir, name), join(toDir, `${name}-clone`)]
  try {
    await writeFile(source, 'shared?', { flag: 'wx', mode: 0o600 })
    return await reflink(source, target)
  } finally {
    await Promise.all([rm(source, { force: true }), rm(target, { force: true })])
  }
}
