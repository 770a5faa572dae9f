// SPDX-License-Identifier: Apache-2.0
// Writes text that nobody can slow down to a screen that may be slower. Pure.

/** Characters being drawn at once, and the most that wait behind them. */
export const WRITER_CHARACTERS = 512 * 1024
const SKIPPED = '\r\n\x1b[0;2m… output skipped: it came faster than it could be shown …\x1b[0m\r\n'

/** Hands text on piece by piece; while one is drawn at most WRITER_CHARACTERS wait, older ones are dropped. */
export class BoundedWriter {
  readonly #draw: (text: string, done: () => void) => void
  #drawing = false
  #waiting = ''
  #skipped = false

  constructor(draw: (text: string, done: () => void) => void) {
    this.#draw = draw
  }

  write(text: string): void {
    this.#waiting += text
    if (this.#waiting.length > WRITER_CHARACTERS) {
      this.#waiting = fromLineStart(this.#waiting.slice(-WRITER_CHARACTERS))
      this.#skipped = true
    }
    if (!this.#drawing) this.#next()
  }

  #next(): void {
    if (this.#waiting === '') return
    const text = (this.#skipped ? SKIPPED : '') + this.#waiting
    this.#waiting = ''
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
