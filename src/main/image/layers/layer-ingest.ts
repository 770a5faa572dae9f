// SPDX-License-Identifier: Apache-2.0
// The one pass a layer takes: blob → SHA-256 → decompress → SHA-256 → tar → data file, index, frame.
// Writes three temp files and nothing else; on any error they are the caller's to remove. Runs in a
// thread of its own (layer-worker.ts): hashing and parsing would block the one it is called from.
// Inflating and writing happen in the thread pool at the same time.
import { createHash } from 'node:crypto'
import { closeSync, fsyncSync, openSync, writevSync } from 'node:fs'
import { openBlob, type BlobSource } from './blob-source'
import { DataWriter } from './data-writer'
import { decompress } from './decompress'
import { checkDigest } from '../digest'
import { FrameWriter } from './frame-writer'
import { ImageTotals } from './image-totals'
import { LayerIndexWriter, type LayerSummary } from './layer-index'
import type { TarEntry } from '../tar/tar-entry'
import { TarReader, type TarSink } from '../tar/tar-reader'
import { isWhiteout } from '../tree/whiteout'

/** Can be sent to another thread. */
export interface LayerJob {
  readonly source: BlobSource
  /** Of the blob; absent if nothing names it. */
  readonly digest?: string
  /** Of the tar inside. */
  readonly diffId: string
  /** Files to make; they must not exist. */
  readonly dataPath: string
  readonly indexPath: string
  readonly framePath: string
  /** What all layers of the image have come to so far (image-totals.ts). */
  readonly totals: SharedArrayBuffer
}

export interface IngestOptions {
  readonly signal: AbortSignal
  /** Bytes of the blob read so far; called for every piece. */
  readonly onBytes?: (bytes: number) => void
}

/**
 * @throws DIGEST_MISMATCH, IMAGE_INVALID, IMAGE_TOO_LARGE, DISK_FULL, errors of the source, AbortError
 */
export async function ingestLayer(job: LayerJob, options: IngestOptions): Promise<LayerSummary> {
  const data = openSync(job.dataPath, 'wx', 0o600)
  const frame = new FrameWriter(job.framePath)
  const totals = new ImageTotals(job.totals)
  const writer = new LayerWriter(new DataWriter(data), frame, totals)
  try {
    await readTar(job, options, writer)
    await writer.finish()
    writeIndex(job.indexPath, writer.index.encode(writer.dataSize))
    return { ...writer.index.summary, dataSize: writer.dataSize }
  } catch (error) {
    totals.takeBack()
    throw error
  } finally {
    await writer.abandon()
    closeSync(data)
  }
}

async function readTar(
  job: LayerJob,
  { signal, onBytes }: IngestOptions,
  writer: LayerWriter,
): Promise<void> {
  const blobHash = createHash('sha256')
  const tarHash = createHash('sha256')
  let hashesBlob = job.digest !== undefined
  async function* blob(): AsyncGenerator<Buffer, void> {
    let bytes = 0
    for await (const chunk of openBlob(job.source, signal)) {
      if (hashesBlob) blobHash.update(chunk)
      bytes += chunk.length
      yield chunk
      onBytes?.(bytes)
    }
  }
  const { isCompressed, chunks } = await decompress(blob())
  // Else the blob is the tar, and one hash is that of both.
  hashesBlob &&= isCompressed
  const reader = new TarReader(writer)
  for await (const chunk of chunks) {
    signal.throwIfAborted()
    writer.totals.add('tarBytes', chunk.length)
    tarHash.update(chunk)
    writer.frame(chunk, reader.push(chunk), chunk.length)
    await writer.settle()
  }
  reader.finish()
  const diffId = `sha256:${tarHash.digest('hex')}`
  const digest = isCompressed ? `sha256:${blobHash.digest('hex')}` : diffId
  if (job.digest !== undefined) checkDigest('the blob', job.digest, digest)
  checkDigest('the uncompressed layer', job.diffId, diffId)
}

class LayerWriter implements TarSink {
  readonly index = new LayerIndexWriter()
  readonly totals: ImageTotals
  readonly #data: DataWriter
  readonly #frame: FrameWriter
  #contentLeft = 0
  #isKept = true

  constructor(data: DataWriter, frame: FrameWriter, totals: ImageTotals) {
    this.#data = data
    this.#frame = frame
    this.totals = totals
  }

  get dataSize(): number {
    return this.#data.size
  }

  entry(entry: TarEntry): void {
    // A whiteout is a name; should it have content, nobody will ever read it.
    this.#isKept = !isWhiteout(entry.path)
    const size = this.#isKept ? entry.size : 0
    // At its header, before any of it is written.
    if (size > 0) this.totals.add('fileBytes', size)
    this.#contentLeft = entry.size
    this.index.add(this.#isKept ? entry : { ...entry, size }, size === 0 ? 0 : this.#data.size)
  }

  content(chunk: Buffer, start: number, end: number): void {
    if (this.#isKept) this.#data.write(chunk, start, end)
    else this.#frame.add(chunk, start, end)
    this.#contentLeft -= end - start
    if (this.#contentLeft === 0 && this.#isKept) this.#data.endFile()
  }

  frame(chunk: Buffer, start: number, end: number): void {
    this.#frame.add(chunk, start, end)
  }

  /** To be awaited after each chunk: so often the image's bounds are looked at, and the disk is waited for. */
  async settle(): Promise<void> {
    const { entries, nameBytes } = this.index.takeGrowth()
    this.totals.add('entries', entries)
    this.totals.add('nameBytes', nameBytes)
    await this.#frame.settle()
  }

  async finish(): Promise<void> {
    await Promise.all([this.#data.finish(), this.#frame.finish()])
  }

  /** Nothing is under way afterwards, and the frame's file is closed. */
  async abandon(): Promise<void> {
    await Promise.all([this.#data.abandon(), this.#frame.abandon()])
  }
}

function writeIndex(path: string, pieces: readonly Buffer[]): void {
  const file = openSync(path, 'wx', 0o600)
  try {
    for (const piece of pieces)
      for (let at = 0; at < piece.length;) at += writevSync(file, [piece.subarray(at)])
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}
