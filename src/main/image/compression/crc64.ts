// SPDX-License-Identifier: Apache-2.0
// CRC-64 as the .xz file format has it (6: polynomial of ECMA-182, reflected), four bytes at a time.
// JavaScript has no 64-bit integers that are fast: each number is kept as its two halves.

const POLYNOMIAL_LOW = 0xd7870f42
const POLYNOMIAL_HIGH = 0xc96c5795
const { low: lowOf, high: highOf } = makeTables()

/** Entry 256 * n + b: what the byte b does to the checksum when n bytes follow in the same step. */
function makeTables(): { low: Int32Array; high: Int32Array } {
  const low = new Int32Array(1024)
  const high = new Int32Array(1024)
  for (let at = 0; at < 1024; at++) {
    let lo = at < 256 ? at : low[at - 256]!
    let hi = at < 256 ? 0 : high[at - 256]!
    for (let bit = 0; bit < 8; bit++) {
      const isOdd = (lo & 1) !== 0
      lo = (lo >>> 1) | (hi << 31)
      hi >>>= 1
      if (isOdd) {
        lo ^= POLYNOMIAL_LOW
        hi ^= POLYNOMIAL_HIGH
      }
    }
    low[at] = lo
    high[at] = hi
  }
  return { low, high }
}

export class Crc64 {
  #low = -1
  #high = -1

  update(bytes: Uint8Array): void {
    let lo = this.#low
    let hi = this.#high
    let at = 0
    for (const end = bytes.length - 3; at < end; at += 4) {
      const word =
        lo ^ (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24))
      const a = 768 + (word & 255)
      const b = 512 + ((word >>> 8) & 255)
      const c = 256 + ((word >>> 16) & 255)
      const d = word >>> 24
      lo = hi ^ lowOf[a]! ^ lowOf[b]! ^ lowOf[c]! ^ lowOf[d]!
      hi = highOf[a]! ^ highOf[b]! ^ highOf[c]! ^ highOf[d]!
    }
    for (; at < bytes.length; at++) {
      const entry = (lo ^ bytes[at]!) & 255
      lo = ((lo >>> 8) | (hi << 24)) ^ lowOf[entry]!
      hi = (hi >>> 8) ^ highOf[entry]!
    }
    this.#low = lo
    this.#high = hi
  }

  /** Little-endian, as it is stored. */
  digest(): Buffer {
    const bytes = Buffer.alloc(8)
    bytes.writeInt32LE(~this.#low, 0)
    bytes.writeInt32LE(~this.#high, 4)
    return bytes
  }
}
