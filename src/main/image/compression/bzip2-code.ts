// SPDX-License-Identifier: Apache-2.0
// The Huffman codes of bzip2: canonical, given as the length of each symbol's code.
import type { BitReader } from './bit-reader'

/** Thrown for what no encoder makes. */
export class Bzip2Error extends Error {}

const MAX_CODE_BITS = 20
/** Codes up to this long are found by one look. */
const FAST_BITS = 10

/** Lengths as steps of one from each symbol to the next. */
export function readCode(bits: BitReader, symbols: number): HuffmanCode {
  const lengths = new Uint8Array(symbols)
  let length = bits.read(5)
  for (let symbol = 0; symbol < symbols; symbol++) {
    for (;;) {
      if (length < 1 || length > MAX_CODE_BITS) throw new Bzip2Error('a code cannot be')
      if (bits.read(1) === 0) break
      length += bits.read(1) === 0 ? 1 : -1
    }
    lengths[symbol] = length
  }
  return new HuffmanCode(lengths)
}

export class HuffmanCode {
  /** By the next bits: symbol and, above its 9 bits, the length of its code; 0 for longer codes. */
  readonly #fast = new Uint16Array(1 << FAST_BITS)
  /** By length: the first code that is longer, filled up to the longest; what to take from a code for its place. */
  readonly #limits = new Int32Array(MAX_CODE_BITS + 1)
  readonly #offsets = new Int32Array(MAX_CODE_BITS + 1)
  /** In the order of their codes. */
  readonly #symbols: Uint16Array

  /** @param lengths 1 to 20, by symbol @throws Bzip2Error */
  constructor(lengths: Uint8Array) {
    this.#symbols = new Uint16Array(lengths.length)
    let code = 0
    let place = 0
    for (let length = 1; length <= MAX_CODE_BITS; length++) {
      code <<= 1
      this.#offsets[length] = code - place
      for (let symbol = 0; symbol < lengths.length; symbol++) {
        if (lengths[symbol] !== length) continue
        if (code >= 1 << length) throw new Bzip2Error('a code cannot be')
        if (length <= FAST_BITS) {
          const first = code << (FAST_BITS - length)
          this.#fast.fill((length << 9) | symbol, first, first + (1 << (FAST_BITS - length)))
        }
        this.#symbols[place++] = symbol
        code++
      }
      this.#limits[length] = code << (MAX_CODE_BITS - length)
    }
  }

  read(bits: BitReader): number {
    const next = bits.peek(MAX_CODE_BITS)
    const entry = this.#fast[next >> (MAX_CODE_BITS - FAST_BITS)]!
    if (entry !== 0) {
      bits.skip(entry >> 9)
      return entry & 511
    }
    for (let length = FAST_BITS + 1; length <= MAX_CODE_BITS; length++)
      if (next < this.#limits[length]!) {
        bits.skip(length)
        return this.#symbols[(next >> (MAX_CODE_BITS - length)) - this.#offsets[length]!]!
      }
    throw new Bzip2Error('a code is not known')
  }
}
