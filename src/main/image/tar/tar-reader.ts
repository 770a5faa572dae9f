// SPDX-License-Identifier: Apache-2.0
// Frames a tar stream that comes in pieces of any size: headers and their extensions become
// entries, file content is passed on as views of the pieces, nothing is copied but what straddles
// two of them. Reads ustar, PAX, GNU and V7 archives as Docker does (Go's archive/tar): global PAX
// headers are read past, one zero block may end the archive, what follows two is not looked at.
import { MicrovmError } from '../../../contract/errors'
import { MAX_TAR_META_BYTES } from '../limits'
import { contentSize, isFile, toEntry, type TarEntry, type TarExtras } from './tar-entry'
import { BLOCK, decodeTarHeader, type TarHeader } from './tar-header'
import { parsePax, type PaxRecords } from './tar-pax'

export interface TarSink {
  /** A file's content follows, all of it before the next entry, in calls of `content`. */
  entry(entry: TarEntry): void
  /** The bytes from `start` up to `end`; `chunk` may be reused after the call. */
  content(chunk: Buffer, start: number, end: number): void
  /** All that is neither content nor behind the archive's end, as it comes; before `entry` of it is called. */
  frame?(chunk: Buffer, start: number, end: number): void
}

interface MetaBlock {
  readonly flag: string
  readonly bytes: Buffer
  filled: number
}
interface Extras extends TarExtras {
  pax?: PaxRecords
  longName?: Buffer
  longLink?: Buffer
}

export class TarReader {
  readonly #sink: TarSink
  readonly #partial = Buffer.allocUnsafe(BLOCK)
  #partialBytes = 0
  #contentLeft = 0
  #paddingLeft = 0
  #meta: MetaBlock | undefined
  #extras: Extras = {}
  #zeroBlocks = 0

  constructor(sink: TarSink) {
    this.#sink = sink
  }

  /** Content bytes of the present file that have not been pushed yet. */
  get contentLeft(): number {
    return this.#contentLeft
  }

  /** Whether the archive's end has been seen. */
  get ended(): boolean {
    return this.#zeroBlocks === 2
  }

  /** For a reader that can seek: takes `count` bytes of content, at most `contentLeft`, as read. */
  skipContent(count: number): void {
    this.#contentLeft -= count
  }

  /**
   * @returns how much of the chunk belongs to the archive: all of it up to the archive's end
   * @throws IMAGE_INVALID, or what the sink throws; the reader cannot be used after that
   */
  push(chunk: Buffer): number {
    let at = 0
    while (at < chunk.length && !this.ended) {
      if (this.#contentLeft === 0) at += this.#takeFrame(chunk, at)
      else {
        const count = Math.min(this.#contentLeft, chunk.length - at)
        this.#contentLeft -= count
        this.#sink.content(chunk, at, at + count)
        at += count
      }
    }
    return at
  }

  /** @returns how many bytes were taken */
  #takeFrame(chunk: Buffer, at: number): number {
    const available = chunk.length - at
    const isWhole = this.#partialBytes === 0 && available >= BLOCK
    const wanted = this.#meta
      ? this.#meta.bytes.length - this.#meta.filled
      : this.#paddingLeft > 0
        ? this.#paddingLeft
        : BLOCK - this.#partialBytes
    const count = Math.min(wanted, available)
    this.#sink.frame?.(chunk, at, at + count)
    if (this.#meta) this.#fillMeta(this.#meta, chunk, at, count)
    else if (this.#paddingLeft > 0) this.#paddingLeft -= count
    else if (isWhole) this.#header(chunk, at)
    else {
      chunk.copy(this.#partial, this.#partialBytes, at, at + count)
      this.#partialBytes += count
      if (this.#partialBytes === BLOCK) {
        this.#partialBytes = 0
        this.#header(this.#partial, 0)
      }
    }
    return count
  }

  /** @throws IMAGE_INVALID if the archive stops in the middle of something */
  finish(): void {
    if (this.#contentLeft > 0 || this.#meta || this.#partialBytes > 0)
      throw new MicrovmError('IMAGE_INVALID', 'the tar archive is cut short')
  }

  #header(block: Buffer, at: number): void {
    const header = decodeTarHeader(block, at)
    if (header === undefined) {
      this.#zeroBlocks++
      return
    }
    if (this.#zeroBlocks > 0)
      throw new MicrovmError('IMAGE_INVALID', 'a tar header follows a block of zeros')
    if ('xgLK'.includes(header.flag)) this.#beginMeta(header)
    else {
      const size = isFile(header) ? contentSize(header, this.#extras) : 0
      const entry = toEntry(header, this.#extras)
      this.#extras = {}
      this.#contentLeft = size
      this.#paddingLeft = padding(size)
      this.#sink.entry(entry)
    }
  }

  #beginMeta({ flag, size }: TarHeader): void {
    if (size < 0 || size > MAX_TAR_META_BYTES)
      throw new MicrovmError('IMAGE_INVALID', `a tar header extension of ${size} bytes`)
    this.#paddingLeft = padding(size)
    this.#meta = { flag, bytes: Buffer.allocUnsafe(size), filled: 0 }
    if (size === 0) this.#endMeta(this.#meta)
  }

  #fillMeta(meta: MetaBlock, chunk: Buffer, at: number, count: number): void {
    chunk.copy(meta.bytes, meta.filled, at, at + count)
    meta.filled += count
    if (meta.filled === meta.bytes.length) this.#endMeta(meta)
  }

  #endMeta({ flag, bytes }: MetaBlock): void {
    this.#meta = undefined
    if (flag === 'x') this.#extras.pax = parsePax(bytes)
    else if (flag === 'L') this.#extras.longName = untilNul(bytes)
    else if (flag === 'K') this.#extras.longLink = untilNul(bytes)
  }
}

const padding = (size: number): number => (BLOCK - (size % BLOCK)) % BLOCK

function untilNul(bytes: Buffer): Buffer {
  const end = bytes.indexOf(0)
  return end === -1 ? bytes : bytes.subarray(0, end)
}
