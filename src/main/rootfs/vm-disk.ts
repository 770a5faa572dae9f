// SPDX-License-Identifier: Apache-2.0
// A machine's own disk: a copy of a small ext4 template, stretched to its size without taking the
// space. The file system inside grows when the guest's init next mounts it. Nothing here looks
// into a disk; a target is either complete or not there.
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmod, open, rename, rm, stat, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { MicrovmError } from '../../contract/errors'
import { syncFolder } from '../lib/atomic-file'
import { explainFullDisk, roomText } from '../lib/full-disk'
import { reflink } from './reflink'
import { copySparse } from './sparse-copy'

const MIB = 1024 * 1024

/**
 * Makes a machine's disk, mode 0600, replacing what is at `target`.
 * @param template an ext4 image that can be grown online
 * @param sizeMib of the new disk, not below the template's
 * @throws INVALID_ARGUMENT for a size below the template's, DISK_FULL
 */
export async function createVmDisk(
  template: string,
  target: string,
  sizeMib: number,
): Promise<void> {
  await replaceWhole(template, target, async (temp) => {
    await copyContent(template, temp)
    await chmod(temp, 0o600)
    await withFile(temp, 'r+', (file) => stretch(file, sizeMib))
  })
}

/**
 * Makes a disk larger; its machine must be stopped. The same size again is no error.
 * @throws INVALID_ARGUMENT when the disk is larger already: shrinking would lose data
 */
export async function growVmDisk(path: string, sizeMib: number): Promise<void> {
  try {
    await withFile(path, 'r+', async (file) => {
      await stretch(file, sizeMib)
      await file.sync()
    })
  } catch (error) {
    throw MicrovmError.inContext(`grow ${path}`, error)
  }
}

/**
 * Copies a file with its permission bits, sharing its blocks where the file system can, else
 * leaving blocks of zeros out.
 * @returns which of the two it was
 * @throws DISK_FULL, CANCELLED; nothing is left behind then, and what was at `target` stays
 */
export async function cloneFile(
  source: string,
  target: string,
  options: { signal?: AbortSignal } = {},
): Promise<'reflink' | 'sparse-copy'> {
  return replaceWhole(source, target, async (temp) => {
    const way = await copyContent(source, temp, options.signal)
    await chmod(temp, (await stat(source)).mode & 0o7777)
    return way
  })
}

/** Lets `make` fill a temp file from a source, which then takes the target's name. */
async function replaceWhole<T>(
  source: string,
  target: string,
  make: (temp: string) => Promise<T>,
): Promise<T> {
  const temp = `${target}.${randomBytes(6).toString('hex')}.tmp`
  try {
    const result = await make(temp)
    await withFile(temp, 'r+', (file) => file.sync())
    await rename(temp, target)
    await syncFolder(dirname(target))
    return result
  } catch (error) {
    await rm(temp, { force: true })
    const { blocks } = await stat(source).catch(() => ({ blocks: 0 }))
    const needed = `it takes ${roomText(blocks * 512)} to begin with`
    const told = explainFullDisk(error, dirname(target), needed)
    throw MicrovmError.inContext(`make ${target}`, told)
  }
}

async function copyContent(
  source: string,
  target: string,
  signal?: AbortSignal,
): Promise<'reflink' | 'sparse-copy'> {
  if (await reflink(source, target)) return 'reflink'
  if (await copyWithCp(source, target, signal)) return 'sparse-copy'
  await withFile(source, 'r', async (from) => {
    const { size } = await from.stat()
    await withFile(target, 'wx', (to) => copySparse(from, to, { offset: 0, size }, signal))
  })
  return 'sparse-copy'
}

/**
 * Node cannot ask where the holes of a file are and would read them all, gigabytes of zeros; GNU cp
 * can. Where there is no such cp, or it fails for any other reason, our own copy has the last word.
 */
async function copyWithCp(source: string, target: string, signal?: AbortSignal): Promise<boolean> {
  signal?.throwIfAborted()
  if (process.platform !== 'linux') return false
  const args = ['--reflink=never', '--sparse=always', '--', source, target]
  try {
    await promisify(execFile)('cp', args, signal === undefined ? {} : { signal })
    return true
  } catch {
    signal?.throwIfAborted()
    await rm(target, { force: true })
    return false
  }
}

async function stretch(file: FileHandle, sizeMib: number): Promise<void> {
  const size = sizeMib * MIB
  const present = (await file.stat()).size
  if (!Number.isSafeInteger(size) || size < present)
    throw new MicrovmError(
      'INVALID_ARGUMENT',
      `a disk of ${present / MIB} MiB cannot become one of ${sizeMib} MiB`,
      { hint: 'Disks only grow. Choose a larger size.' },
    )
  await file.truncate(size)
}

async function withFile<T>(
  path: string,
  flags: string,
  work: (file: FileHandle) => Promise<T>,
): Promise<T> {
  const file = await open(path, flags, 0o600)
  try {
    return await work(file)
  } finally {
    await file.close()
  }
}
