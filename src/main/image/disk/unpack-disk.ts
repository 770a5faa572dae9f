// SPDX-License-Identifier: Apache-2.0
// From a file as it is published to a raw disk: decompressed, by its first bytes and not by its name,
// checked to be no other kind of image, with holes where there are only zeros. A disk consists of
// sectors: what ends within one is filled up with zeros.
import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { setImmediate } from 'node:timers/promises'
import { MicrovmError } from '../../../contract/errors'
import { unbzip2 } from '../compression/bzip2'
import {
  compressionKind,
  LONGEST_MAGIC,
  type CompressionKind,
} from '../compression/compression-kind'
import { unxz } from '../compression/xz'
import { DataWriter } from '../layers/data-writer'
import { gunzip } from '../layers/decompress'
import { unzstd } from '../layers/zstd'
import { FORMAT_HEAD_BYTES, refuseOtherFormats, refuseOtherTails } from './disk-format'

const SECTOR_BYTES = 512

const CHUNK_BYTES = 1024 * 1024
/** Decoders that do not wait for anything let a message (cancel) in so often. */
const TURN_EVERY_MS = 20

const decoders: Record<CompressionKind, (source: AsyncIterable<Buffer>) => AsyncIterable<Buffer>> =
  { gzip: gunzip, zstd: unzstd, bzip2: unbzip2, xz: unxz }

export interface UnpackOptions {
  /** Of the raw disk. */
  readonly maxBytes: number
  readonly signal: AbortSignal
  /** Bytes of the packed file read so far. */
  readonly onBytes?: ((bytes: number) => void) | undefined
}

export interface UnpackedDisk {
  readonly compression: CompressionKind | 'none'
  /** Of the raw bytes, with those that fill the last sector. */
  readonly digest: string
  readonly sizeBytes: number
}

/**
 * @param to a new file, mode 0600; on the disk when this resolves, the caller's to remove when it throws
 * @throws IMAGE_INVALID for what is damaged, empty or no raw disk, IMAGE_TOO_LARGE, AbortError, system errors
 */
export async function unpackDisk(
  from: string,
  to: string,
  options: UnpackOptions,
): Promise<UnpackedDisk> {
  const kind = await kindOf(from)
  const packed = readFile(from, options)
  const file = await open(to, 'wx+', 0o600)
  const writer = new DataWriter(file.fd)
  try {
    const chunks = kind === undefined ? packed : decoders[kind](packed)
    const raw = await write(chunks, writer, options)
    const tail = Buffer.alloc(SECTOR_BYTES)
    await file.read(tail, 0, SECTOR_BYTES, raw.sizeBytes - SECTOR_BYTES)
    refuseOtherTails(tail)
    return { compression: kind ?? 'none', ...raw }
  } finally {
    await writer.abandon()
    await file.close()
  }
}

async function write(
  chunks: AsyncIterable<Buffer>,
  writer: DataWriter,
  { maxBytes, signal }: UnpackOptions,
): Promise<{ digest: string; sizeBytes: number }> {
  const hash = createHash('sha256')
  let head = Buffer.alloc(0)
  let turnedAt = performance.now()
  const append = (chunk: Buffer): void => {
    hash.update(chunk)
    writer.write(chunk, 0, chunk.length)
  }
  for await (const chunk of chunks) {
    if (writer.size + chunk.length > maxBytes) throw tooLarge(maxBytes)
    if (head.length < FORMAT_HEAD_BYTES) {
      head = Buffer.concat([head, chunk.subarray(0, FORMAT_HEAD_BYTES)])
      if (head.length >= FORMAT_HEAD_BYTES) refuseOtherFormats(head)
    }
    append(chunk)
    if (performance.now() - turnedAt > TURN_EVERY_MS) {
      await setImmediate()
      turnedAt = performance.now()
    }
    signal.throwIfAborted()
  }
  if (writer.size === 0)
    throw new MicrovmError('IMAGE_INVALID', 'there is nothing in it', {
      hint: 'The file may not have been finished. Get it again, or tell whoever publishes it.',
    })
  if (head.length < FORMAT_HEAD_BYTES) refuseOtherFormats(head)
  const odd = writer.size % SECTOR_BYTES
  if (odd > 0) append(Buffer.alloc(SECTOR_BYTES - odd))
  const sizeBytes = writer.size
  await writer.finish()
  return { digest: `sha256:${hash.digest('hex')}`, sizeBytes }
}

async function kindOf(path: string): Promise<CompressionKind | undefined> {
  const file = await open(path)
  try {
    const head = Buffer.alloc(LONGEST_MAGIC)
    const { bytesRead } = await file.read(head, 0, head.length, 0)
    return compressionKind(head.subarray(0, bytesRead))
  } finally {
    await file.close()
  }
}

/** The bytes of a file, in chunks that stay as they are. */
export async function* readFile(
  path: string,
  { signal, onBytes }: Pick<UnpackOptions, 'signal' | 'onBytes'>,
): AsyncGenerator<Buffer, void> {
  const file = await open(path)
  try {
    for (let at = 0; ;) {
      signal.throwIfAborted()
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES)
      const { bytesRead } = await file.read(chunk, 0, chunk.length, at)
      if (bytesRead === 0) return
      at += bytesRead
      onBytes?.(at)
      yield chunk.subarray(0, bytesRead)
    }
  } finally {
    await file.close()
  }
}

const tooLarge = (maxBytes: number): MicrovmError =>
  new MicrovmError('IMAGE_TOO_LARGE', `the disk has more than ${gib(maxBytes)} GiB`, {
    hint: 'Take a smaller image: the limit is for what is in it, unpacked.',
  })

export const gib = (bytes: number): number => Math.round((bytes / 1024 ** 3) * 100) / 100
