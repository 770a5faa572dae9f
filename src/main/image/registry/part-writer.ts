// SPDX-License-Identifier: Apache-2.0
// Writes what comes of a blob to its part (blob-part.ts), in order and without gaps, while the thread
// does other things: what comes during one write goes with the next, so that pieces are small on a
// slow network and large on a fast one.
//
// A part is worth its time only where the network is what one waits for: reading it back means to
// hash and inflate it again. So the writer is told how long each piece was waited for, and gives up
// when a long stretch came sooner than it was asked for. The part stays a true beginning then.
import { closeSync, openSync, writev } from 'node:fs'
import { promisify } from 'node:util'

/** What is judged at a time, in bytes: long enough for the pace of a network to show. */
export const STRETCH_BYTES = 8 * 1024 * 1024
/** Of the time; with less, all of a blob costs little more to fetch than what it lacks. */
const SMALLEST_WAIT = 1 / 4
/** Memory for a disk that is slower than the network. */
const BACKLOG_BYTES = 4 * 1024 * 1024
const writeLater = promisify(writev)

export class PartWriter {
  readonly #file: number
  #backlog: Buffer[] = []
  #backlogBytes = 0
  #writing: Promise<void> | undefined
  #isOver = false
  #stretchBytes = 0
  #stretchBegan = performance.now()
  #waitedMs = 0

  /** @param path of a file that holds all of the blob so far */
  constructor(path: string) {
    this.#file = openSync(path, 'a')
  }

  /**
   * @param chunk the bytes that follow; not to be changed afterwards
   * @param waitedMs how long they were waited for
   */
  async add(chunk: Buffer, waitedMs: number): Promise<void> {
    if (this.#isOver) return
    this.#backlog.push(chunk)
    this.#backlogBytes += chunk.length
    this.#writing ??= this.#writeBacklog()
    this.#judge(chunk.length, waitedMs)
    if (this.#backlogBytes > BACKLOG_BYTES) await this.#writing
  }

  /** All that was added is in the file, unless the disk is full. */
  async close(): Promise<void> {
    await this.#writing
    closeSync(this.#file)
  }

  #judge(bytes: number, waitedMs: number): void {
    this.#stretchBytes += bytes
    this.#waitedMs += waitedMs
    if (this.#stretchBytes < STRETCH_BYTES) return
    const now = performance.now()
    if (this.#waitedMs < (now - this.#stretchBegan) * SMALLEST_WAIT) this.#isOver = true
    this.#stretchBegan = now
    this.#stretchBytes = this.#waitedMs = 0
  }

  async #writeBacklog(): Promise<void> {
    try {
      while (this.#backlog.length > 0) {
        const pieces = this.#backlog
        this.#backlog = []
        this.#backlogBytes = 0
        await this.#writeAll(pieces)
      }
    } catch {
      // What is there stays a true beginning of the blob as long as nothing follows.
      this.#isOver = true
      this.#backlog = []
    }
    this.#writing = undefined
  }

  async #writeAll(pieces: Buffer[]): Promise<void> {
    for (let left = pieces; left.length > 0;) {
      let { bytesWritten } = await writeLater(this.#file, left)
      left = left.flatMap((piece) => {
        const done = Math.min(bytesWritten, piece.length)
        bytesWritten -= done
        return done === piece.length ? [] : [piece.subarray(done)]
      })
    }
  }
}
