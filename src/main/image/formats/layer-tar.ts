// SPDX-License-Identifier: Apache-2.0
// A stored layer as the very tar it came as, of the same digest: its frame is read as the tar it is,
// and where a file's content was left out of it the data file has it. A layer that has been damaged
// on the disk gives another digest; whoever exports it finds that out before the end.
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, stat, type FileHandle } from 'node:fs/promises'
import { createInflateRaw } from 'node:zlib'
import { MicrovmError } from '../../../contract/errors'
import { checkDigest } from '../digest'
import type { Entry } from '../tree/entry'
import { layerFiles } from '../layers/layer-files'
import { readLayerIndex } from '../layers/layer-index'
import { TarReader, type TarSink } from '../tar/tar-reader'
import { isWhiteout } from '../tree/whiteout'

const PIECE_BYTES = 1024 * 1024

/** Bytes of the frame as they are, or the content of a file that goes here. */
type Part = Buffer | { readonly offset: number; readonly size: number }

/**
 * @param folder the store's folder of layers
 * @throws STATE_CORRUPT when what is stored is not the layer any more (at the end), NOT_FOUND when it
 *   has no frame, AbortError
 */
export async function* layerTar(
  folder: string,
  diffId: string,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void> {
  const { dataPath, framePath } = layerFiles(folder, diffId)
  const hash = createHash('sha256')
  const data = await open(dataPath)
  try {
    for await (const part of readFrame(folder, diffId)) {
      signal.throwIfAborted()
      const pieces = Buffer.isBuffer(part) ? [part] : readContent(data, part)
      for await (const piece of pieces) {
        hash.update(piece)
        yield piece
      }
    }
  } catch (error) {
    throw explain(error, framePath)
  } finally {
    await data.close()
  }
  try {
    checkDigest('the stored layer', diffId, `sha256:${hash.digest('hex')}`)
  } catch (error) {
    throw corrupt(error)
  }
}

/** Bytes of the tar. @throws as `layerTar` */
export async function layerTarSize(folder: string, diffId: string): Promise<number> {
  let size = 0
  const { framePath } = layerFiles(folder, diffId)
  try {
    for await (const part of readFrame(folder, diffId))
      size += Buffer.isBuffer(part) ? part.length : part.size
  } catch (error) {
    throw explain(error, framePath)
  }
  return size
}

async function* readFrame(folder: string, diffId: string): AsyncGenerator<Part, void> {
  const { indexPath, framePath } = layerFiles(folder, diffId)
  await stat(framePath)
  const { list } = await readLayerIndex(indexPath)
  const sink = new FrameSink(list())
  const reader = new TarReader(sink)
  sink.skip = () => reader.skipContent(reader.contentLeft)
  const inflate = createReadStream(framePath).pipe(createInflateRaw({ chunkSize: PIECE_BYTES }))
  for await (const chunk of inflate as AsyncIterable<Buffer>) {
    const end = reader.push(chunk)
    if (end < chunk.length) sink.frame(chunk, end, chunk.length)
    yield* sink.take()
  }
}

/** Collects the parts of the tar in their order. */
class FrameSink implements TarSink {
  skip: () => void = () => undefined
  readonly #entries: Iterator<Entry>
  #parts: Part[] = []

  constructor(entries: Iterator<Entry>) {
    this.#entries = entries
  }

  frame(chunk: Buffer, start: number, end: number): void {
    this.#parts.push(chunk.subarray(start, end))
  }

  entry({ path, size }: { path: string; size: number }): void {
    const stored = this.#entries.next()
    if (stored.done || stored.value.path !== path) throw corrupt()
    if (size === 0 || isWhiteout(path)) return
    if (stored.value.size !== size) throw corrupt()
    this.#parts.push({ offset: stored.value.offset, size })
    this.skip()
  }

  /** Only a whiteout's: nobody reads it, so it is part of the frame. */
  content(chunk: Buffer, start: number, end: number): void {
    this.frame(chunk, start, end)
  }

  take(): Part[] {
    const parts = this.#parts
    this.#parts = []
    return parts
  }
}

async function* readContent(
  data: FileHandle,
  { offset, size }: { offset: number; size: number },
): AsyncGenerator<Buffer, void> {
  for (let done = 0; done < size;) {
    const piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, size - done))
    const { bytesRead } = await data.read(piece, 0, piece.length, offset + done)
    if (bytesRead === 0) throw corrupt()
    done += bytesRead
    yield piece.subarray(0, bytesRead)
  }
}

function explain(error: unknown, framePath: string): unknown {
  const { code, path } = error as NodeJS.ErrnoException
  if (code === 'ENOENT' && path === framePath)
    return new MicrovmError('NOT_FOUND', 'the layer was stored by an older version of the app', {
      hint: 'Pull or import the image again to be able to export it.',
      cause: error,
    })
  return code?.startsWith('Z_') ? corrupt(error) : error
}

const corrupt = (cause?: unknown): MicrovmError =>
  new MicrovmError('STATE_CORRUPT', 'a stored layer is damaged', {
    hint: 'Remove the image and pull it again.',
    cause,
  })
