// SPDX-License-Identifier: Apache-2.0
// Writes text that nobody can slow down to a screen that may be slower. Pure.

/** Characters being drawn at once, and the most that wait behind them. */
export const WRITER_CHARACTERS = 512 * 1024
const SKIPPED = '\r\n\x1b[0;2m… output skipped: it came faster than it could be shown …\x1b[0m\r\n'

/** Hands text on piece by piece; of what comes while one is drawn, the last WRITER_CHARACTERS are kept. */
export class BoundedWriter {
  readonly #draw: (text: string, done: () => void) => void
  #drawing = false
  #waiting: string[] = []
  #length = 0
  #skipped = false

  constructor(draw: (text: string, done: () => void) => void) {
    this.#draw = draw
  }

  write(text: string): void {
    this.#waiting.push(text)
    this.#length += text.length
    // Whole pieces only: cutting the joined text at every write would copy it every time.
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      if (this.#length - first.length < WRITER_CHARACTERS) break
      this.#length -= first.length
      this.#waiting.shift()
      this.#skipped = true
    }
    if (!this.#drawing) this.#next()
  }

  #next(): void {
    if (this.#length === 0) return
    const all = this.#waiting.join('')
    const text = this.#skipped ? SKIPPED + fromLineStart(all.slice(-WRITER_CHARACTERS)) : all
    this.#waiting = []
    this.#length = 0
    this.#skipped = false
    this.#drawing = true
    this.#draw(text, () => {
      this.#drawing = false
      this.#next()
    })
  }
}

/** Drops the first, cut line, if there is a whole one after it. */
function fromLineStart(text: string): string {
  const end = text.indexOf('\n')
  return end < 0 ? text : text.slice(end + 1)
}
