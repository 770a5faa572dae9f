// SPDX-License-Identifier: Apache-2.0
// From a layer's blob to its tar. The kind of compression is told by the first bytes, as Docker
// does, not by the media type, which is often wrong. A gzip stream may have several members; bytes
// behind the last one that are no member are an error.
import type { TransformOptions } from 'node:stream'
import { createGunzip, type ZlibOptions } from 'node:zlib'
import { MicrovmError } from '../../../contract/errors'
import { compressionKind, LONGEST_MAGIC } from '../compression/compression-kind'

/** What goes to the thread pool and back at a time: large enough that the way does not show. */
const INPUT_BYTES = 256 * 1024
const CHUNK_BYTES = 1024 * 1024
const CHUNKS_AHEAD = 2

export interface Decompressed {
  /** False if the blob is the tar itself. */
  readonly isCompressed: boolean
  readonly chunks: AsyncIterable<Buffer>
}

/**
 * @param blob read to its end by whoever reads the chunks
 * @throws IMAGE_INVALID for a compression that is not supported or a stream that is damaged
 */
export async function decompress(blob: AsyncIterable<Buffer>): Promise<Decompressed> {
  const source = blob[Symbol.asyncIterator]()
  const start: Buffer[] = []
  let head = Buffer.alloc(0)
  while (head.length < LONGEST_MAGIC) {
    const next = await source.next()
    if (next.done) break
    start.push(next.value)
    head = Buffer.concat([head, next.value.subarray(0, LONGEST_MAGIC)])
  }
  const kind = compressionKind(head)
  const all = resume(start, source)
  if (kind === undefined) return { isCompressed: false, chunks: all }
  if (kind === 'gzip') return { isCompressed: true, chunks: gunzip(all) }
  if (kind === 'zstd') return { isCompressed: true, chunks: await unzstdLate(all) }
  await source.return?.()
  throw new MicrovmError('IMAGE_INVALID', `it is compressed with ${kind}, which is not supported`, {
    hint: 'Use an image whose layers are compressed with gzip or zstd, or not at all.',
  })
}

/** Few layers need it, and every thread that takes one in would load it. */
async function unzstdLate(source: AsyncIterable<Buffer>): Promise<AsyncIterable<Buffer>> {
  const { unzstd } = await import('./zstd')
  return unzstd(source)
}

async function* resume(
  start: readonly Buffer[],
  source: AsyncIterator<Buffer>,
): AsyncGenerator<Buffer, void> {
  try {
    yield* start
    for (let next = await source.next(); !next.done; next = await source.next()) yield next.value
  } finally {
    await source.return?.()
  }
}

/** @throws IMAGE_INVALID for a stream that is damaged, or followed by something else */
export async function* gunzip(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  const options: ZlibOptions & TransformOptions = {
    chunkSize: CHUNK_BYTES,
    readableHighWaterMark: CHUNKS_AHEAD * CHUNK_BYTES,
  }
  const stream = createGunzip(options)
  let fed = 0
  let hasAll = false
  const feeding = (async () => {
    for await (const chunk of inLargePieces(source)) {
      // No event will follow any more that one could wait for.
      if (stream.destroyed || stream.readableEnded) return
      fed += chunk.length
      if (!stream.write(chunk)) await drained(stream)
    }
    hasAll = true
    stream.end()
  })()
  // Read ahead of the consumer, so it may fail while nobody waits for it here.
  feeding.catch((error: unknown) => stream.destroy(error as Error))
  try {
    for await (const chunk of stream) yield chunk as Buffer
    if (!hasAll || stream.bytesWritten < fed)
      throw new MicrovmError('IMAGE_INVALID', 'there is data after the end of its gzip stream')
  } catch (error) {
    throw asInvalid(error)
  } finally {
    stream.destroy()
    await feeding.catch(() => undefined)
  }
}

async function* inLargePieces(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  let waiting: Buffer[] = []
  let bytes = 0
  for await (const chunk of source) {
    waiting.push(chunk)
    bytes += chunk.length
    if (bytes < INPUT_BYTES) continue
    yield waiting.length === 1 ? chunk : Buffer.concat(waiting, bytes)
    waiting = []
    bytes = 0
  }
  if (bytes > 0) yield Buffer.concat(waiting, bytes)
}

function drained(stream: ReturnType<typeof createGunzip>): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      for (const event of ['drain', 'end', 'close']) stream.off(event, done)
      resolve()
    }
    for (const event of ['drain', 'end', 'close']) stream.on(event, done)
  })
}

function asInvalid(error: unknown): unknown {
  const code = (error as NodeJS.ErrnoException).code ?? ''
  if (!code.startsWith('Z_')) return error
  return new MicrovmError(
    'IMAGE_INVALID',
    `its gzip stream is damaged (${(error as Error).message})`,
    {
      cause: error,
    },
  )
}
