// SPDX-License-Identifier: Apache-2.0
// A stream as a decoder wants it: in pieces of any length.
import type { MicrovmError } from '../../../contract/errors'

export class ByteInput {
  readonly #source: AsyncIterator<Buffer>
  readonly #damaged: (why: string) => MicrovmError
  #chunks: Buffer[] = []
  #bytes = 0

  /** @param damaged makes the error of a stream that ends too soon */
  constructor(source: AsyncIterable<Buffer>, damaged: (why: string) => MicrovmError) {
    this.#source = source[Symbol.asyncIterator]()
    this.#damaged = damaged
  }

  async isAtEnd(): Promise<boolean> {
    return (await this.peek(1)).length === 0
  }

  /** The next bytes, which stay; fewer than `length` only at the end. */
  async peek(length: number): Promise<Buffer> {
    while (this.#bytes < length) {
      const next = await this.#source.next()
      if (next.done) break
      this.#chunks.push(next.value)
      this.#bytes += next.value.length
    }
    const all = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks)
    this.#chunks = [all]
    return all.subarray(0, length)
  }

  /** @throws the error for damage if there are not so many */
  async take(length: number): Promise<Buffer> {
    const taken = await this.peek(length)
    if (taken.length < length) throw this.#damaged('it ends too soon')
    this.skip(length)
    return taken
  }

  /** Leaves bytes out that `peek` has shown. */
  skip(length: number): void {
    this.#chunks = [this.#chunks[0]!.subarray(length)]
    this.#bytes -= length
  }

  async close(): Promise<void> {
    await this.#source.return?.()
  }
}
