// SPDX-License-Identifier: Apache-2.0
// One block of a bzip2 stream at a time: Huffman codes → move-to-front with runs of zeros → the
// inverse of the Burrows-Wheeler transform → runs of equal bytes. What it makes of the block is
// handed out in pieces: a few bytes can stand for 46 MB.
import type { BitReader } from './bit-reader'
import { Bzip2Error, readCode, type HuffmanCode } from './bzip2-code'

const GROUP = 50
/** More than a block can need; the reference implementation reads over the rest. */
const MAX_GROUPS = 18_002
/** How often a byte comes before a count of further ones. */
const RUN = 4
const crcTable = Int32Array.from({ length: 256 }, (_, byte) => {
  let value = byte << 24
  for (let bit = 0; bit < 8; bit++) value = value < 0 ? (value << 1) ^ 0x04c11db7 : value << 1
  return value
})

export class Bzip2Block {
  readonly #maxBytes: number
  /** Per place: the byte, and above it the place of the byte that follows. */
  readonly #links: Uint32Array
  #left = 0
  #link = 0
  /** The byte put out last, how often in a row, and how often it is still to come. */
  #last = -1
  #inRow = 0
  #repeats = 0
  #crc = -1

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
    this.#links = new Uint32Array(maxBytes)
  }

  /** Of what `next` has given of this block, as the stream stores it. */
  get checksum(): number {
    return ~this.#crc
  }

  /** @param bits behind the block's checksum; then behind the block @throws Bzip2Error */
  read(bits: BitReader): void {
    if (bits.read(1) !== 0) throw new Bzip2Error('it is of a version before 0.9.5')
    const origin = bits.read(24)
    const bytes = readUsedBytes(bits)
    const selectors = readSelectors(bits)
    const codes = Array.from({ length: selectors.codes }, () => readCode(bits, bytes.length + 2))
    const length = this.#readSymbols(bits, bytes, selectors.order, codes)
    if (origin >= length) throw new Bzip2Error('a block begins nowhere')
    this.#invert(length, origin)
  }

  /** The next bytes of the block; none when it is at its end. */
  next(max: number): Buffer {
    const out = Buffer.allocUnsafe(max)
    const links = this.#links
    let [left, link, last, inRow, repeats] = [
      this.#left,
      this.#link,
      this.#last,
      this.#inRow,
      this.#repeats,
    ]
    let made = 0
    while (made < max) {
      if (repeats > 0) {
        const end = Math.min(made + repeats, max)
        out.fill(last, made, end)
        repeats -= end - made
        made = end
        continue
      }
      if (left === 0) break
      const entry = links[link]!
      link = entry >>> 8
      left--
      const byte = entry & 255
      if (inRow === RUN) {
        repeats = byte
        inRow = 0
        continue
      }
      inRow = byte === last && inRow > 0 ? inRow + 1 : 1
      last = byte
      out[made++] = byte
    }
    this.#left = left
    this.#link = link
    this.#last = last
    this.#inRow = inRow
    this.#repeats = repeats
    const chunk = out.subarray(0, made)
    this.#crc = updateCrc(this.#crc, chunk)
    return chunk
  }

  /** @returns how many bytes the block has, now the lowest ones of the links */
  #readSymbols(
    bits: BitReader,
    front: Uint8Array,
    order: Uint8Array,
    codes: readonly HuffmanCode[],
  ): number {
    const links = this.#links
    const endOfBlock = front.length + 1
    let length = 0
    let run = 0
    let weight = 1
    for (const group of order) {
      const code = codes[group]!
      for (let n = 0; n < GROUP; n++) {
        const symbol = code.read(bits)
        if (symbol < 2) {
          // Digits 1 and 2 of a number to the base of 2, the lowest first.
          run += weight << symbol
          weight <<= 1
          if (run > this.#maxBytes) throw new Bzip2Error('a block is too large')
          continue
        }
        if (run > 0) {
          if (length + run > this.#maxBytes) throw new Bzip2Error('a block is too large')
          links.fill(front[0]!, length, length + run)
          length += run
          run = 0
          weight = 1
        }
        if (symbol === endOfBlock) return length
        const byte = front[symbol - 1]!
        front.copyWithin(1, 0, symbol - 1)
        front[0] = byte
        if (length === this.#maxBytes) throw new Bzip2Error('a block is too large')
        links[length++] = byte
      }
    }
    throw new Bzip2Error('a block has no end')
  }

  /** Every byte gets a link to the one that follows it: the n-th of its kind, in order, to the n-th place. */
  #invert(length: number, origin: number): void {
    const links = this.#links
    const places = new Uint32Array(257)
    for (let at = 0; at < length; at++) places[links[at]! + 1]!++
    for (let byte = 0; byte < 256; byte++) places[byte + 1]! += places[byte]!
    for (let at = 0; at < length; at++) {
      const place = places[links[at]! & 255]!++
      links[place]! |= at << 8
    }
    this.#left = length
    this.#link = links[origin]! >>> 8
    this.#last = -1
    this.#inRow = this.#repeats = 0
    this.#crc = -1
  }
}

/** In two levels: of 16 times 16 bytes, which occur. */
function readUsedBytes(bits: BitReader): Uint8Array {
  const rows = bits.read(16)
  const used: number[] = []
  for (let row = 0; row < 16; row++) {
    if ((rows & (0x8000 >> row)) === 0) continue
    const columns = bits.read(16)
    for (let column = 0; column < 16; column++)
      if ((columns & (0x8000 >> column)) !== 0) used.push(row * 16 + column)
  }
  if (used.length === 0) throw new Bzip2Error('a block is empty')
  return Uint8Array.from(used)
}

/** How many codes there are, and which one each group of symbols has. */
function readSelectors(bits: BitReader): { codes: number; order: Uint8Array } {
  const codes = bits.read(3)
  const groups = bits.read(15)
  if (codes < 2 || codes > 6 || groups < 1) throw new Bzip2Error('its codes cannot be')
  const front = Uint8Array.from({ length: codes }, (_, code) => code)
  const order = new Uint8Array(Math.min(groups, MAX_GROUPS))
  for (let group = 0; group < groups; group++) {
    let place = 0
    while (bits.read(1) === 1) if (++place === codes) throw new Bzip2Error('its codes cannot be')
    const code = front[place]!
    front.copyWithin(1, 0, place)
    front[0] = code
    if (group < order.length) order[group] = code
  }
  return { codes, order }
}

function updateCrc(start: number, bytes: Uint8Array): number {
  let crc = start
  for (let at = 0; at < bytes.length; at++)
    crc = (crc << 8) ^ crcTable[((crc >>> 24) ^ bytes[at]!) & 255]!
  return crc
}
