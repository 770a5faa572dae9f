// SPDX-License-Identifier: Apache-2.0
// Bits of a buffer, the highest of each byte first. Behind its end there are zeros; `isPastEnd` says so.

export class BitReader {
  readonly #bytes: Uint8Array
  #at: number
  /** The lowest `#count` bits of `#bits` are the next ones. */
  #bits = 0
  #count = 0

  /** @param bit where to begin, from the buffer's start */
  constructor(bytes: Uint8Array, bit: number) {
    this.#bytes = bytes
    this.#at = bit >> 3
    if ((bit & 7) !== 0) this.read(bit & 7)
  }

  /** Bits read so far, from the buffer's start. */
  get position(): number {
    return this.#at * 8 - this.#count
  }

  get isPastEnd(): boolean {
    return this.position > this.#bytes.length * 8
  }

  /** @param count up to 24 */
  read(count: number): number {
    const value = this.peek(count)
    this.#count -= count
    return value
  }

  /** @param count up to 24 */
  peek(count: number): number {
    while (this.#count <= 24) {
      // Behind the end this is undefined, which counts as 0 here.
      this.#bits = (this.#bits << 8) | this.#bytes[this.#at++]!
      this.#count += 8
    }
    return (this.#bits >>> (this.#count - count)) & ((1 << count) - 1)
  }

  skip(count: number): void {
    this.#count -= count
  }
}
