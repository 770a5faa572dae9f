// SPDX-License-Identifier: Apache-2.0
// Writes the contents of a layer's files one behind the other, each from a multiple of 4096 on. Blocks
// of zeros are left out, so that sparse files stay sparse.
//
// Every write is one of 64 KiB, made at once: such a block is still in the processor's cache and the
// system finds room for it without clearing memory it has not used before, which makes it several
// times cheaper than larger ones. Meanwhile others bring the blocks from memory to the disk.
import { fdatasync, fsync, ftruncate, writeSync } from 'node:fs'
import { promisify } from 'node:util'

export const DATA_ALIGNMENT = 4096

const BLOCK_BYTES = 64 * 1024
const zeroBlock = Buffer.alloc(BLOCK_BYTES)
/** The disk shall not be idle until the end, nor have all of a layer to write then. */
const SYNC_EVERY_BYTES = 64 * 1024 * 1024

export class DataWriter {
  readonly #fd: number
  /** Bytes of the block that `#base` begins, as far as they did not come as a whole. */
  readonly #block = Buffer.allocUnsafeSlow(BLOCK_BYTES)
  #filled = 0
  /** A multiple of the block's size. */
  #base = 0
  #syncedAt = 0
  #syncing: Promise<void> | undefined

  /** @param fd an empty file, open for writing; stays the caller's, who closes it after `finish` or `abandon` */
  constructor(fd: number) {
    this.#fd = fd
  }

  /** Where the next byte goes. After `endFile` a multiple of 4096. */
  get size(): number {
    return this.#base + this.#filled
  }

  /** @throws what a write fails with */
  write(chunk: Buffer, start: number, end: number): void {
    for (let at = start; at < end;) {
      const count = Math.min(BLOCK_BYTES - this.#filled, end - at)
      if (count === BLOCK_BYTES) this.#put(chunk, at, count)
      else {
        chunk.copy(this.#block, this.#filled, at, at + count)
        this.#filled += count
        if (this.#filled === BLOCK_BYTES) this.#flush()
      }
      at += count
    }
  }

  /** Fills up with zeros to the next multiple of 4096. @throws as `write` */
  endFile(): void {
    const odd = this.#filled % DATA_ALIGNMENT
    if (odd === 0) return
    const end = this.#filled + DATA_ALIGNMENT - odd
    this.#block.fill(0, this.#filled, end)
    this.#filled = end
    if (end === BLOCK_BYTES) this.#flush()
  }

  /** Everything on the disk, the file at its full size even if it ends in a hole. */
  async finish(): Promise<void> {
    this.#flush()
    await this.#syncing
    await promisify(ftruncate)(this.#fd, this.#base)
    await promisify(fsync)(this.#fd)
  }

  /** Waits for what is under way, whatever comes of it. */
  async abandon(): Promise<void> {
    await this.#syncing?.catch(() => undefined)
  }

  #flush(): void {
    const count = this.#filled
    this.#filled = 0
    if (count > 0) this.#put(this.#block, 0, count)
  }

  #put(bytes: Buffer, start: number, count: number): void {
    const isHole = bytes.compare(zeroBlock, 0, count, start, start + count) === 0
    for (let done = isHole ? count : 0; done < count;)
      done += writeSync(this.#fd, bytes, start + done, count - done, this.#base + done)
    this.#base += count
    if (this.#syncing || this.#base - this.#syncedAt < SYNC_EVERY_BYTES) return
    this.#syncedAt = this.#base
    // What it fails with, `finish` tells.
    this.#syncing = promisify(fdatasync)(this.#fd)
    this.#syncing.then(
      () => (this.#syncing = undefined),
      () => undefined,
    )
  }
}
