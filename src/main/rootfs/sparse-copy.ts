// SPDX-License-Identifier: Apache-2.0
// Copies bytes from file to file and leaves blocks of zeros out, so that sparse files stay sparse.
import type { FileHandle } from 'node:fs/promises'
import { MicrovmError } from '../../contract/errors'
import { writeFully } from './write-fully'

const CHUNK_SIZE = 4 * 1024 * 1024
/** The least hole worth keeping: a block of the usual host file systems, and of the guest's. */
const HOLE_SIZE = 4096

/**
 * Fills an empty file with a range of another.
 * @param range in bytes
 * @throws CONFLICT when the source is shorter than that, DISK_FULL's system error, AbortError
 */
export async function copySparse(
  from: FileHandle,
  to: FileHandle,
  { offset, size }: { readonly offset: number; readonly size: number },
  signal?: AbortSignal,
): Promise<void> {
  await to.truncate(size)
  const chunk = Buffer.allocUnsafe(Math.min(CHUNK_SIZE, size))
  for (let position = 0; position < size;) {
    signal?.throwIfAborted()
    const wanted = Math.min(chunk.length, size - position)
    const { bytesRead } = await from.read(chunk, 0, wanted, offset + position)
    if (bytesRead === 0) throw new MicrovmError('CONFLICT', 'the file became shorter meanwhile')
    for (const [start, end] of dataRuns(chunk.subarray(0, bytesRead)))
      await writeFully(to, chunk.subarray(start, end), position + start)
    position += bytesRead
  }
}

const zeros = Buffer.alloc(HOLE_SIZE)

/** Start and end of each stretch of blocks that are not all zeros. */
function* dataRuns(chunk: Buffer): Generator<[start: number, end: number]> {
  let start = -1
  for (let at = 0; at < chunk.length; at += HOLE_SIZE) {
    const end = Math.min(at + HOLE_SIZE, chunk.length)
    const isHole = chunk.compare(zeros, 0, end - at, at, end) === 0
    if (isHole && start >= 0) yield [start, at]
    if (isHole) start = -1
    else if (start < 0) start = at
  }
  if (start >= 0) yield [start, chunk.length]
}
