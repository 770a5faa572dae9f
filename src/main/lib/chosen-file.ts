// SPDX-License-Identifier: Apache-2.0
// A file that the user has told us to write, at a place outside the data directory.
import { randomBytes } from 'node:crypto'
import { lstat, open, rename, rm, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { MicrovmError } from '../../contract/errors'
import { ignoreMissing } from './ignore-missing'

/**
 * Writes it whole or not at all, mode 0644. A file that is at the target by now is replaced: the caller has
 * asked for that. One that comes later is not.
 * @param target absolute
 * @param write fills the new file
 * @throws ALREADY_EXISTS, CANCELLED, system errors, what `write` throws; nothing has changed then
 */
export async function writeChosenFile(
  target: string,
  signal: AbortSignal,
  write: (file: FileHandle) => Promise<void>,
): Promise<void> {
  const old = await lstat(target).catch(ignoreMissing)
  if (old !== undefined && !old.isFile()) throw inTheWay(target)
  // Not the target's own name: with the random part it could be too long.
  const temp = join(dirname(target), `.${randomBytes(8).toString('hex')}.tmp`)
  try {
    const file = await open(temp, 'wx', 0o644)
    try {
      await write(file)
      await file.sync()
    } finally {
      await file.close()
    }
    signal.throwIfAborted()
    if (old === undefined) await takeName(target)
    await rename(temp, target)
  } catch (error) {
    await rm(temp, { force: true })
    throw signal.aborted ? new MicrovmError('CANCELLED', 'cancelled') : error
  }
}

/** Makes an empty file of this name, unless there is something. */
async function takeName(target: string): Promise<void> {
  try {
    const file = await open(target, 'wx')
    await file.close()
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'EEXIST' ? inTheWay(target) : error
  }
}

const inTheWay = (target: string): MicrovmError =>
  new MicrovmError('ALREADY_EXISTS', `${target} is there already`, { hint: 'Choose another name.' })
