// SPDX-License-Identifier: Apache-2.0
// The runner's end of the control port (contract/guest-protocol.ts). The guest is hostile: what does
// not parse is counted and dropped, and a guest that floods the port is read slowly, so that it
// cannot keep the host's processor busy.
import type { Duplex } from 'node:stream'
import {
  CONTROL_LINE_BYTES,
  guestCommands,
  guestEventSchema,
  type GuestEvent,
} from '../../src/contract/guest-protocol'
import { LineSplitter } from './line-splitter'

/** Init sends about one line every two seconds; a boot is a dozen. */
const LINES_PER_WINDOW = 200
const WINDOW_MS = 1000

export class ControlPort {
  /** Lines that made sense, and lines that did not. */
  events = 0
  rejected = 0
  readonly #stream: Duplex
  readonly #onEvent: (event: GuestEvent) => void
  #windowStart = 0
  #inWindow = 0

  constructor(stream: Duplex, onEvent: (event: GuestEvent) => void) {
    this.#stream = stream
    this.#onEvent = onEvent
    const lines = new LineSplitter(CONTROL_LINE_BYTES, (line) => this.#receive(line))
    stream.on('data', (chunk: Buffer) => {
      const overlong = lines.overlong
      lines.push(chunk)
      this.rejected += lines.overlong - overlong
      this.#throttle()
    })
  }

  send(command: keyof typeof guestCommands, value: number): void {
    if (this.#stream.writable) this.#stream.write(guestCommands[command](value))
  }

  #receive(line: string): void {
    this.#inWindow += 1
    const event = parseGuestEvent(line)
    if (event === undefined) {
      this.rejected += 1
    } else {
      this.events += 1
      this.#onEvent(event)
    }
  }

  /** Stops reading until the window is over; QEMU then stops the guest's port from sending. */
  #throttle(): void {
    const now = performance.now()
    if (now - this.#windowStart > WINDOW_MS) {
      this.#windowStart = now
      this.#inWindow = 0
    }
    if (this.#inWindow <= LINES_PER_WINDOW) return
    this.#stream.pause()
    this.#inWindow = 0
    setTimeout(() => this.#stream.resume(), WINDOW_MS).unref()
  }
}

/** One line of the guest's as an event; undefined if it is none. */
export function parseGuestEvent(line: string): GuestEvent | undefined {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return undefined
  }
  const parsed = guestEventSchema.safeParse(value)
  return parsed.success ? parsed.data : undefined
}
