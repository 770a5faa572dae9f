// SPDX-License-Identifier: Apache-2.0
// A terminal's output on its way to the window: batched, so that a flood makes few messages, and
// held back, so that neither side piles it up. Pure but for its timer.
// Always holds: bytes leave in the order they came; once `windowBytes` are sent and not acknowledged
// or waiting here, the source is paused, until less than half of that is left.

export interface OutputPumpDeps {
  /** Pausing must really stop the source from reading, so that the sender in the guest blocks. */
  readonly source: { pause(): void; resume(): void }
  send(data: Uint8Array): void
  readonly windowBytes: number
  /** Milliseconds between two batches. */
  readonly intervalMs?: number
  /** Most bytes in one batch; that many waiting leave at once. */
  readonly batchBytes?: number
}

export class OutputPump {
  readonly #deps: Required<OutputPumpDeps>
  #waiting: Uint8Array[] = []
  #waitingBytes = 0
  #unacknowledged = 0
  #paused = false
  #timer: NodeJS.Timeout | undefined

  constructor(deps: OutputPumpDeps) {
    this.#deps = { intervalMs: 6, batchBytes: 64 * 1024, ...deps }
  }

  push(chunk: Uint8Array): void {
    this.#waiting.push(chunk)
    this.#waitingBytes += chunk.length
    // After a rest the first output leaves at once: the echo of a key must not wait.
    if (this.#timer === undefined || this.#waitingBytes >= this.#deps.batchBytes) this.#flush()
    if (!this.#paused && this.#unacknowledged + this.#waitingBytes >= this.#deps.windowBytes) {
      this.#paused = true
      this.#deps.source.pause()
    }
  }

  /** The window has drawn `bytes` more. More than was sent counts as all. */
  acknowledge(bytes: number): void {
    this.#unacknowledged = Math.max(0, this.#unacknowledged - bytes)
    if (this.#paused && this.#unacknowledged + this.#waitingBytes < this.#deps.windowBytes / 2) {
      this.#paused = false
      this.#deps.source.resume()
    }
  }

  /** Sends what waits and stops the timer. Nothing may be pushed after it. */
  end(): void {
    this.#flush()
    clearTimeout(this.#timer)
  }

  /** Drops what waits: nobody listens any more. */
  discard(): void {
    this.#waiting = []
    this.#waitingBytes = 0
    clearTimeout(this.#timer)
  }

  #flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#waitingBytes === 0) return
    const all = join(this.#waiting, this.#waitingBytes)
    this.#waiting = []
    this.#waitingBytes = 0
    for (let at = 0; at < all.length; at += this.#deps.batchBytes) {
      const end = Math.min(at + this.#deps.batchBytes, all.length)
      const batch = at === 0 && end === all.length ? all : all.slice(at, end)
      this.#unacknowledged += batch.length
      this.#deps.send(batch)
    }
    this.#timer = setTimeout(() => this.#flush(), this.#deps.intervalMs)
  }
}

/**
 * One array with memory of its own. A Buffer may be a piece of Node's shared pool, and sending it
 * to another process would copy the whole pool, with whatever else lies in it.
 */
function join(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const all = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    all.set(chunk, at)
    at += chunk.length
  }
  return all
}
