// SPDX-License-Identifier: Apache-2.0
// The part of a layer's blob that has come so far, in a file: what a broken or killed pull has got,
// the next one need not fetch again. It is written as the blob streams by (part-writer.ts), and is gone
// before the system has written it to the disk, unless the pull stops. What comes faster than it can
// be taken in is not written: it is fetched as fast again. A transfer that breaks within a pull needs
// no part, since the layer is still being taken in (RegistryClient.blob).
//
// The file is also the layer's lock between processes: a kernel lock that dies with its holder, so
// that two pulls of one layer do the work once, and one takes over where another was killed.
import { mkdir, open, readdir, rm, stat, statfs, truncate, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { tryLock, unlock } from 'fs-native-extensions'
import { MicrovmError, type ErrorCode } from '../../../contract/errors'
import { PartWriter } from './part-writer'

export const PART_SUFFIX = '.part'
const LOOK_EVERY_MS = 50
/** Smaller blobs are fetched again sooner than they are written. */
const SMALLEST_BYTES = 1024 * 1024
/** Free space, in sizes of the blob, below which the layer needs all there is. */
const ROOM_FACTOR = 10
/** After any other failure what has come is of no use, or takes room that is needed. */
const worthKeeping: ReadonlySet<ErrorCode> = new Set([
  'CANCELLED',
  'REGISTRY_UNREACHABLE',
  'REGISTRY_DENIED',
  'REGISTRY_ERROR',
])

export interface PartOptions {
  readonly signal?: AbortSignal | undefined
  /** Told the bytes that have come, while another process fetches the blob. */
  readonly onWait?: (bytes: number) => void
}

/**
 * Runs `work` while no other process works on the same layer. The file is gone afterwards if `work`
 * succeeded or what it holds is of no use.
 * @throws what `work` throws; AbortError if `signal` fires while waiting
 */
export async function withPart<T>(
  path: string,
  options: PartOptions,
  work: () => Promise<T>,
): Promise<T> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const file = await lockPart(path, options)
  try {
    const result = await work()
    await rm(path, { force: true })
    return result
  } catch (error) {
    const { code } = MicrovmError.from(error)
    const { size } = await file.stat()
    if (size === 0 || !worthKeeping.has(code)) await rm(path, { force: true })
    throw error
  } finally {
    unlock(file.fd)
    await file.close()
  }
}

async function lockPart(path: string, { signal, onWait }: PartOptions): Promise<FileHandle> {
  for (;;) {
    const file = await open(path, 'a+', 0o600)
    try {
      while (!tryLock(file.fd)) {
        await sleep(LOOK_EVERY_MS, undefined, signal ? { signal } : {})
        onWait?.((await file.stat()).size)
      }
      // Whoever held it before may have removed it: then this is a file that nobody else will find.
      const [own, named] = [await file.stat(), await stat(path).catch(() => undefined)]
      if (own.ino === named?.ino) return file
    } catch (error) {
      await file.close()
      throw error
    }
    await file.close()
  }
}

/** Forgets what has come of a blob, keeping the lock. */
export async function emptyPart(path: string): Promise<void> {
  await truncate(path)
}

/** Bytes of the blob that have come; by whoever holds the lock. */
export async function sizeOfPart(path: string): Promise<number> {
  return (await stat(path)).size
}

/**
 * A blob of which a part may be in a file: that part, then the rest from `fetchFrom`, which is
 * written to the file as it comes. Small blobs are not written, nor is any when there is little room.
 * @param path as given to `withPart`, which is under way
 */
export async function* continueBlob(
  path: string,
  size: number,
  readPart: (length: number) => AsyncIterable<Buffer>,
  fetchFrom: (start: number) => AsyncIterable<Buffer>,
): AsyncGenerator<Buffer, void> {
  const present = await sizeOfPart(path)
  // More than there should be is not of this blob.
  const start = present > size ? 0 : present
  if (start !== present) await emptyPart(path)
  if (start > 0) yield* readPart(start)
  const writer = (await isWorthWriting(path, size)) ? new PartWriter(path) : undefined
  const rest = fetchFrom(start)[Symbol.asyncIterator]()
  try {
    for (;;) {
      const asked = performance.now()
      const next = await rest.next()
      if (next.done) return
      await writer?.add(next.value, performance.now() - asked)
      yield next.value
    }
  } finally {
    await rest.return?.()
    await writer?.close()
  }
}

async function isWorthWriting(path: string, size: number): Promise<boolean> {
  const { bavail, bsize } = await statfs(path)
  return size >= SMALLEST_BYTES && bavail * bsize >= size * ROOM_FACTOR
}

/**
 * Hands each part that nobody is working on to `use`, which may remove it: nobody begins to meanwhile.
 * @param folder with parts in it, among others
 */
export async function withIdleParts(
  folder: string,
  use: (path: string, modifiedAt: number) => Promise<void>,
): Promise<void> {
  const names = await readdir(folder).catch(() => [])
  for (const name of names.filter((other) => other.endsWith(PART_SUFFIX))) {
    const path = join(folder, name)
    const file = await open(path, 'r+').catch(() => undefined)
    if (!file) continue
    try {
      if (tryLock(file.fd)) await use(path, (await file.stat()).mtimeMs)
    } finally {
      // Gives the lock up, too.
      await file.close()
    }
  }
}
