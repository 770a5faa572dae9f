// SPDX-License-Identifier: Apache-2.0
// Walks a byte stream of length-prefixed Ethernet frames without copying it: counts the frames, and
// leaves out those a rule refuses. Only a frame's first bytes are ever gathered, and only when a
// chunk ends inside them.
import { MicrovmError } from '../../src/contract/errors'
import { MAX_FRAME_BYTES } from './topology'

const LENGTH_BYTES = 4

export interface FrameRule {
  /** How many bytes of a frame `passes` wants to see; it gets fewer of a shorter frame. */
  readonly headBytes: number
  /** `head` is only valid during the call. */
  passes(head: Buffer): boolean
}

const everything: FrameRule = { headBytes: 0, passes: () => true }

export class FrameWalker {
  /** Frames and their bytes (without the length prefix) that passed; frames that did not. */
  frames = 0
  bytes = 0
  refused = 0
  readonly #rule: FrameRule
  /** Prefix and head of a frame that a chunk cut. */
  readonly #held: Buffer
  #heldBytes = 0
  /** Bytes of the present frame still to come, its head aside, and what becomes of them. */
  #remaining = 0
  #passing = false

  constructor(rule: FrameRule = everything) {
    this.#rule = rule
    this.#held = Buffer.alloc(LENGTH_BYTES + rule.headBytes)
  }

  /**
   * The parts of the stream to pass on, in order: views of `chunk`, but for a frame's head that
   * earlier chunks held.
   * @throws NETWORK_FAILED for a frame over 65,535 bytes (SPEC "net"); the stream is then useless
   */
  walk(chunk: Buffer): Buffer[] {
    const parts: Buffer[] = []
    let from = 0 // start of the passing run that ends at `at`
    let at = 0
    const cut = (): void => {
      if (at > from) parts.push(chunk.subarray(from, at))
    }
    while (at < chunk.length) {
      if (this.#remaining > 0) {
        const size = Math.min(this.#remaining, chunk.length - at)
        this.#remaining -= size
        at += size
        if (!this.#passing) from = at
        continue
      }
      const start = this.#frameStart(chunk, at)
      if (start !== undefined) {
        if (!this.#passing) cut()
        at += start
        if (!this.#passing) from = at
        continue
      }
      cut()
      at += this.#hold(chunk, at)
      from = at
      const head = this.#releaseHeld()
      if (head !== undefined) parts.push(head)
    }
    cut()
    return parts
  }

  /** The rest of the frame under way is not wanted any more by whoever gets the parts. */
  refuseRest(): void {
    this.#passing = false
  }

  /**
   * The stream has ended and another one follows.
   * @returns bytes of the last frame that were promised (by its length) to the receiver and are missing
   */
  abandon(): number {
    const missing = this.#passing ? this.#remaining : 0
    this.#remaining = 0
    this.#heldBytes = 0
    return missing
  }

  /** Decides on a frame whose head lies whole in the chunk; how many bytes that took. */
  #frameStart(chunk: Buffer, at: number): number | undefined {
    if (this.#heldBytes > 0 || chunk.length - at < LENGTH_BYTES) return undefined
    const headBytes = this.#headBytes(chunk.readUInt32BE(at))
    const size = LENGTH_BYTES + headBytes
    if (chunk.length - at < size) return undefined
    this.#decide(chunk.subarray(at, at + size))
    return size
  }

  /** Takes as much of a frame's head as the chunk has; how many bytes that was. */
  #hold(chunk: Buffer, at: number): number {
    let taken = 0
    const take = (upTo: number): void => {
      const size = Math.min(upTo - this.#heldBytes, chunk.length - at - taken)
      chunk.copy(this.#held, this.#heldBytes, at + taken, at + taken + size)
      this.#heldBytes += size
      taken += size
    }
    if (this.#heldBytes < LENGTH_BYTES) take(LENGTH_BYTES)
    if (this.#heldBytes >= LENGTH_BYTES) take(this.#heldSize())
    return taken
  }

  /** A held head that has become whole, if its frame passes. */
  #releaseHeld(): Buffer | undefined {
    if (this.#heldBytes < LENGTH_BYTES || this.#heldBytes < this.#heldSize()) return undefined
    const head = Buffer.from(this.#held.subarray(0, this.#heldBytes))
    this.#heldBytes = 0
    this.#decide(head)
    return this.#passing ? head : undefined
  }

  #heldSize(): number {
    return LENGTH_BYTES + this.#headBytes(this.#held.readUInt32BE(0))
  }

  #headBytes(length: number): number {
    if (length > MAX_FRAME_BYTES)
      throw new MicrovmError(
        'NETWORK_FAILED',
        `a network frame claims ${length} bytes; ${MAX_FRAME_BYTES} is the most there can be`,
      )
    return Math.min(length, this.#rule.headBytes)
  }

  /** @param prefixed length and head of a frame */
  #decide(prefixed: Buffer): void {
    const length = prefixed.readUInt32BE(0)
    const head = prefixed.subarray(LENGTH_BYTES)
    this.#passing = this.#rule.passes(head)
    this.#remaining = length - head.length
    if (this.#passing) {
      this.frames += 1
      this.bytes += length
    } else {
      this.refused += 1
    }
  }
}
