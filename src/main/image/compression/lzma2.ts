// SPDX-License-Identifier: Apache-2.0
// LZMA2, the filter of .xz files: a sequence of chunks, each at most 64 KiB that make at most 2 MiB,
// with one dictionary. The bytes of a control byte are those of xz's own lzma2_decoder: 0 ends it, 1
// and 2 are bytes as they are (1 forgets the dictionary), 0x80 and above are LZMA.
import type { MicrovmError } from '../../../contract/errors'
import type { ByteInput } from './byte-input'
import { LzmaDecoder, LzmaError, type Window } from './lzma'

const MAX_CHUNK_BYTES = 2 * 1024 * 1024

/** What a decoder has read, of its block. */
export interface Consumed {
  bytes: number
}

/**
 * @param dictionaryBytes already bounded by the caller; held in memory, and half as much again
 * @param consumed told what has been read from `input`
 * @returns chunks that stay as they are
 * @throws what `damaged` makes
 */
export async function* unlzma2(
  input: ByteInput,
  dictionaryBytes: number,
  consumed: Consumed,
  damaged: (why: string) => MicrovmError,
): AsyncGenerator<Buffer, void> {
  const history = new History(dictionaryBytes)
  const decoder = new LzmaDecoder(history)
  const take = (length: number): Promise<Buffer> => {
    consumed.bytes += length
    return input.take(length)
  }
  let needsReset = true
  let needsProperties = true
  for (;;) {
    const control = (await take(1))[0]!
    if (control === 0) return
    if (control === 1 || control >= 0xe0) {
      needsReset = false
      needsProperties = true
      history.forget()
      decoder.passed(-1)
    }
    if (needsReset || (control > 2 && control < 0x80)) throw damaged('a chunk cannot be')
    const sizes = await take(control < 0x80 ? 2 : 4)
    if (control < 0x80) {
      const bytes = await take(sizes.readUInt16BE(0) + 1)
      history.append(bytes)
      decoder.passed(bytes.length)
      yield bytes
      continue
    }
    const length = ((control & 0x1f) << 16) + sizes.readUInt16BE(0) + 1
    const properties = control >= 0xc0 ? (await take(1))[0]! : undefined
    if (properties === undefined && needsProperties) throw damaged('a chunk cannot be')
    needsProperties = false
    const packed = await take(sizes.readUInt16BE(2) + 1)
    const room = history.makeRoom(length)
    try {
      if (properties !== undefined) decoder.setProperties(properties)
      if (control >= 0xa0) decoder.resetState()
      decoder.decode(packed, length)
    } catch (error) {
      throw error instanceof LzmaError ? damaged(error.message) : error
    }
    yield Buffer.from(history.bytes.subarray(room, room + length))
  }
}

/** The last bytes put out, in a buffer half as large again, so that they are seldom moved. */
class History implements Window {
  readonly dictionaryBytes: number
  readonly bytes: Uint8Array
  position = 0
  oldest = 0

  constructor(dictionaryBytes: number) {
    this.dictionaryBytes = dictionaryBytes
    this.bytes = new Uint8Array(dictionaryBytes + (dictionaryBytes >>> 1) + MAX_CHUNK_BYTES)
  }

  forget(): void {
    this.oldest = this.position
  }

  append(bytes: Buffer): void {
    this.makeRoom(bytes.length)
    this.bytes.set(bytes, this.position)
    this.position += bytes.length
  }

  /** @returns where the next `length` bytes go */
  makeRoom(length: number): number {
    if (this.position + length <= this.bytes.length) return this.position
    const kept = Math.min(this.position - this.oldest, this.dictionaryBytes)
    this.bytes.copyWithin(0, this.position - kept, this.position)
    this.position = kept
    this.oldest = 0
    return kept
  }
}
