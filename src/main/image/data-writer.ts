// SPDX-License-Identifier: Apache-2.0
// Writes the contents of a layer's files one behind the other, each from a multiple of 4096 on, in
// few large writes. Long runs of zeros are left out, so that sparse files stay sparse.
import { fsyncSync, ftruncateSync, writeSync } from 'node:fs'

export const DATA_ALIGNMENT = 4096

const STAGING_BYTES = 4 * 1024 * 1024
/** A shorter run is written: a hole there would cost a write more and save little. */
const SHORTEST_HOLE = 16 * DATA_ALIGNMENT
const zeroPage = Buffer.alloc(DATA_ALIGNMENT)

export class DataWriter {
  readonly #fd: number
  readonly #staging = Buffer.allocUnsafeSlow(STAGING_BYTES)
  readonly #words = new Int32Array(this.#staging.buffer)
  /** Offset in the file of the first staged byte, and how many are staged. */
  #base = 0
  #staged = 0

  /** @param fd an empty file, open for writing; stays the caller's */
  constructor(fd: number) {
    this.#fd = fd
  }

  /** Where the next byte goes. After `endFile` a multiple of 4096. */
  get size(): number {
    return this.#base + this.#staged
  }

  write(chunk: Buffer, start: number, end: number): void {
    for (let at = start; at < end;) {
      const count = Math.min(STAGING_BYTES - this.#staged, end - at)
      chunk.copy(this.#staging, this.#staged, at, at + count)
      this.#staged += count
      at += count
      if (this.#staged === STAGING_BYTES) this.#flush()
    }
  }

  /** Fills up with zeros to the next multiple of 4096. */
  endFile(): void {
    const odd = this.#staged % DATA_ALIGNMENT
    if (odd === 0) return
    this.#staging.fill(0, this.#staged, this.#staged + DATA_ALIGNMENT - odd)
    this.#staged += DATA_ALIGNMENT - odd
    if (this.#staged === STAGING_BYTES) this.#flush()
  }

  /** Everything on the disk, the file at its full size even if it ends in a hole. */
  finish(): void {
    this.#flush()
    ftruncateSync(this.#fd, this.#base)
    fsyncSync(this.#fd)
  }

  #flush(): void {
    let from = 0
    for (let at = 0; at < this.#staged;) {
      if (!this.#isZeroPage(at)) {
        at += DATA_ALIGNMENT
        continue
      }
      let end = at + DATA_ALIGNMENT
      while (end < this.#staged && this.#isZeroPage(end)) end += DATA_ALIGNMENT
      if (end - at >= SHORTEST_HOLE) {
        this.#writeOut(from, at)
        from = end
      }
      at = end
    }
    this.#writeOut(from, this.#staged)
    this.#base += this.#staged
    this.#staged = 0
  }

  #isZeroPage(at: number): boolean {
    // Two words tell nearly every page that is not.
    if (this.#words[at >> 2] !== 0 || this.#words[(at >> 2) + 512] !== 0) return false
    return this.#staging.compare(zeroPage, 0, DATA_ALIGNMENT, at, at + DATA_ALIGNMENT) === 0
  }

  #writeOut(from: number, end: number): void {
    for (let at = from; at < end;)
      at += writeSync(this.#fd, this.#staging, at, end - at, this.#base + at)
  }
}
