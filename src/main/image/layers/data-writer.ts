// SPDX-License-Identifier: Apache-2.0
// Writes the contents of a layer's files one behind the other, each from a multiple of 4096 on, in
// few large writes that other threads do meanwhile. Long runs of zeros are left out, so that sparse
// files stay sparse.
import { fsync, ftruncate, write, writeSync } from 'node:fs'
import { promisify } from 'node:util'

export const DATA_ALIGNMENT = 4096

const STAGING_BYTES = 2 * 1024 * 1024
const STAGINGS = 2
/** A shorter run is written: a hole there would cost a write more and save little. */
const SHORTEST_HOLE = 16 * DATA_ALIGNMENT
const zeroPage = Buffer.alloc(DATA_ALIGNMENT)
const writeLater = promisify(write)

/** Bytes of a staging buffer, and where in the file they go. */
interface Piece {
  readonly from: number
  readonly end: number
  readonly position: number
}

export class DataWriter {
  readonly #fd: number
  #staging = Buffer.allocUnsafeSlow(STAGING_BYTES)
  readonly #spare = Array.from({ length: STAGINGS - 1 }, () =>
    Buffer.allocUnsafeSlow(STAGING_BYTES),
  )
  readonly #writing = new Set<Promise<void>>()
  #failure: Error | undefined
  /** Offset in the file of the first staged byte, and how many are staged. */
  #base = 0
  #staged = 0

  /** @param fd an empty file, open for writing; stays the caller's, who closes it after `finish` or `abandon` */
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

  /** To be awaited now and then: lets the disk keep up. @throws what a write has failed with */
  async settle(): Promise<void> {
    while (this.#spare.length === 0 && this.#writing.size > 0) await Promise.race(this.#writing)
    if (this.#failure) throw this.#failure
  }

  /** Everything on the disk, the file at its full size even if it ends in a hole. */
  async finish(): Promise<void> {
    this.#flush()
    await Promise.all(this.#writing)
    if (this.#failure) throw this.#failure
    await promisify(ftruncate)(this.#fd, this.#base)
    await promisify(fsync)(this.#fd)
  }

  /** Waits for what is under way, whatever comes of it. */
  async abandon(): Promise<void> {
    await Promise.all(this.#writing)
  }

  #flush(): void {
    const pieces = this.#pieces()
    this.#base += this.#staged
    this.#staged = 0
    const staging = this.#staging
    const next = this.#spare.pop()
    if (next === undefined) {
      // The disk is behind, and so many tiny files have come at once: this thread waits for it.
      for (const piece of pieces) this.#writeNow(staging, piece)
      return
    }
    this.#staging = next
    const done = this.#writeAll(staging, pieces).then(
      () => undefined,
      (error: unknown) => void (this.#failure ??= error as Error),
    )
    const writing = done.then(() => {
      this.#writing.delete(writing)
      this.#spare.push(staging)
    })
    this.#writing.add(writing)
  }

  async #writeAll(staging: Buffer, pieces: readonly Piece[]): Promise<void> {
    for (const { from, end, position } of pieces)
      for (let at = from; at < end;) {
        const { bytesWritten } = await writeLater(
          this.#fd,
          staging,
          at,
          end - at,
          position + at - from,
        )
        at += bytesWritten
      }
  }

  #writeNow(staging: Buffer, { from, end, position }: Piece): void {
    for (let at = from; at < end;)
      at += writeSync(this.#fd, staging, at, end - at, position + at - from)
  }

  /** What is staged, without long runs of zeros. */
  #pieces(): Piece[] {
    const words = new Int32Array(this.#staging.buffer)
    const pieces: Piece[] = []
    const add = (from: number, end: number): void => {
      if (from < end) pieces.push({ from, end, position: this.#base + from })
    }
    let from = 0
    for (let at = 0; at < this.#staged;) {
      if (!this.#isZeroPage(words, at)) {
        at += DATA_ALIGNMENT
        continue
      }
      let end = at + DATA_ALIGNMENT
      while (end < this.#staged && this.#isZeroPage(words, end)) end += DATA_ALIGNMENT
      if (end - at >= SHORTEST_HOLE) {
        add(from, at)
        from = end
      }
      at = end
    }
    add(from, this.#staged)
    return pieces
  }

  #isZeroPage(words: Int32Array, at: number): boolean {
    // Two words tell nearly every page that is not.
    if (words[at >> 2] !== 0 || words[(at >> 2) + 512] !== 0) return false
    return this.#staging.compare(zeroPage, 0, DATA_ALIGNMENT, at, at + DATA_ALIGNMENT) === 0
  }
}
