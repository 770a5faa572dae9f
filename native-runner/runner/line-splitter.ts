// SPDX-License-Identifier: Apache-2.0
// Lines out of a byte stream from someone who may mean ill: a line over the bound is thrown away as
// a whole, whatever its length, and only counted.

const LINE_FEED = 0x0a

export class LineSplitter {
  /** Lines thrown away because they were too long. */
  overlong = 0
  readonly #maxBytes: number
  readonly #onLine: (line: string) => void
  #parts: Buffer[] = []
  #bytes = 0
  #skipping = false

  /** @param onLine gets each line without its line feed, decoded as UTF-8 */
  constructor(maxBytes: number, onLine: (line: string) => void) {
    this.#maxBytes = maxBytes
    this.#onLine = onLine
  }

  push(chunk: Buffer): void {
    let from = 0
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, from)) {
      this.#take(chunk.subarray(from, end))
      this.#finish()
      from = end + 1
    }
    this.#take(chunk.subarray(from))
  }

  #take(part: Buffer): void {
    if (part.length === 0 || this.#skipping) return
    this.#bytes += part.length
    if (this.#bytes > this.#maxBytes) {
      this.#skipping = true
      this.#parts = []
    } else {
      this.#parts.push(part)
    }
  }

  #finish(): void {
    const line = this.#skipping ? undefined : Buffer.concat(this.#parts).toString('utf8')
    if (this.#skipping) this.overlong += 1
    this.#parts = []
    this.#bytes = 0
    this.#skipping = false
    if (line !== undefined) this.#onLine(line)
  }
}
