// SPDX-License-Identifier: Apache-2.0
// The one pass a layer takes: blob → SHA-256 → decompress → SHA-256 → tar → data file, index, frame.
// Writes three temp files and nothing else; on any error they are the caller's to remove. Runs in a
// thread of its own (layer-worker.ts): hashing and parsing would block the one it is called from.
// Inflating and writing happen in the thread pool at the same time.
import { createHash } from 'node:crypto'
import { closeSync, fsyncSync, openSync, writevSync } from 'node:fs'
import { MicrovmError } from '../../../contract/errors'
import { openBlob, type BlobSource } from './blob-source'
import { DataWriter } from './data-writer'
import { decompress } from './decompress'
import { checkDigest } from '../digest'
import { FrameWriter } from './frame-writer'
import { LayerIndexWriter, type LayerSummary } from './layer-index'
import { MAX_IMAGE_FILE_BYTES, MAX_LAYER_TAR_BYTES } from '../limits'
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
  /** File bytes that all layers of the image have so far: one 64-bit number that its layers share. */
  readonly fileBytes: SharedArrayBuffer
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
  const writer = new LayerWriter(new DataWriter(data), frame, new BigInt64Array(job.fileBytes))
  try {
    await readTar(job, options, writer)
    await writer.finish()
    writeIndex(job.indexPath, writer.index.encode(writer.dataSize))
    return { ...writer.index.summary, dataSize: writer.dataSize }
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
  let tarBytes = 0
  for await (const chunk of chunks) {
    signal.throwIfAborted()
    tarBytes += chunk.length
    if (tarBytes > MAX_LAYER_TAR_BYTES) throw tooLarge()
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
  readonly #data: DataWriter
  readonly #frame: FrameWriter
  readonly #fileBytes: BigInt64Array
  #contentLeft = 0
  #isKept = true

  constructor(data: DataWriter, frame: FrameWriter, fileBytes: BigInt64Array) {
    this.#data = data
    this.#frame = frame
    this.#fileBytes = fileBytes
  }

  get dataSize(): number {
    return this.#data.size
  }

  entry(entry: TarEntry): void {
    // A whiteout is a name; should it have content, nobody will ever read it.
    this.#isKept = !isWhiteout(entry.path)
    const size = this.#isKept ? entry.size : 0
    const before = Atomics.add(this.#fileBytes, 0, BigInt(size))
    if (before + BigInt(size) > BigInt(MAX_IMAGE_FILE_BYTES)) throw tooLarge()
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

  async settle(): Promise<void> {
    await this.#data.settle()
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

const tooLarge = (): MicrovmError =>
  new MicrovmError(
    'IMAGE_TOO_LARGE',
    `the image has more than ${MAX_IMAGE_FILE_BYTES / 1024 ** 3} GiB of file data`,
    { hint: 'Use a smaller image.' },
  )
