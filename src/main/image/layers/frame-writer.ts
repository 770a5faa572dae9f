// SPDX-License-Identifier: Apache-2.0
// The frame of a layer: every byte of its tar that is not content of a file (headers, padding, what
// follows the end), in the tar's order, deflated. With the layer's data file it gives the very tar
// back, of the same digest (layer-tar.ts). Made on other threads while the layer is read.
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { createDeflateRaw } from 'node:zlib'
import { MicrovmError } from '../../../contract/errors'
import { MAX_LAYER_FRAME_BYTES } from '../limits'

/** What goes to the deflating thread at a time. */
const STAGING_BYTES = 256 * 1024

export class FrameWriter {
  readonly #deflate = createDeflateRaw({ level: 1 })
  readonly #done: Promise<void>
  #staging = Buffer.allocUnsafe(STAGING_BYTES)
  #staged = 0
  #written = 0

  /** @param path of a file to make; it must not exist */
  constructor(path: string) {
    this.#deflate.on('data', (chunk: Buffer) => (this.#written += chunk.length))
    const file = createWriteStream(path, { flags: 'wx', mode: 0o600, flush: true })
    this.#done = pipeline(this.#deflate, file)
    // Told by `settle` and `finish`.
    this.#done.catch(() => undefined)
  }

  add(chunk: Buffer, start: number, end: number): void {
    for (let at = start; at < end;) {
      const count = Math.min(STAGING_BYTES - this.#staged, end - at)
      chunk.copy(this.#staging, this.#staged, at, at + count)
      this.#staged += count
      at += count
      if (this.#staged === STAGING_BYTES) this.#flush()
    }
  }

  /** To be awaited now and then. @throws IMAGE_TOO_LARGE, and what a write has failed with */
  async settle(): Promise<void> {
    if (this.#written > MAX_LAYER_FRAME_BYTES)
      throw new MicrovmError('IMAGE_TOO_LARGE', 'the layer has too much beside its files', {
        hint: 'Images this large are refused, to protect this computer from archives made to exhaust it.',
      })
    if (this.#deflate.writableNeedDrain)
      await Promise.race([once(this.#deflate, 'drain'), this.#done])
  }

  /** Everything on the disk. */
  async finish(): Promise<void> {
    this.#flush()
    this.#deflate.end()
    await this.#done
  }

  /** Gives the file up, and waits until it is closed. */
  async abandon(): Promise<void> {
    this.#deflate.destroy()
    await this.#done.catch(() => undefined)
  }

  #flush(): void {
    if (this.#staged === 0) return
    this.#deflate.write(this.#staging.subarray(0, this.#staged))
    this.#staging = Buffer.allocUnsafe(STAGING_BYTES)
    this.#staged = 0
  }
}
