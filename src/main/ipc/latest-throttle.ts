// SPDX-License-Identifier: Apache-2.0
// For values of which only the newest matters: the first of a key passes at once, then at most one
// per interval, and always the last one. Pure but for its timers.

interface Entry<V> {
  waiting: { readonly value: V } | undefined
  readonly timer: NodeJS.Timeout
}

export class LatestThrottle<V> {
  readonly #entries = new Map<string, Entry<V>>()
  readonly #intervalMs: number
  readonly #emit: (key: string, value: V) => void

  constructor(intervalMs: number, emit: (key: string, value: V) => void) {
    this.#intervalMs = intervalMs
    this.#emit = emit
  }

  push(key: string, value: V): void {
    const entry = this.#entries.get(key)
    if (entry !== undefined) {
      entry.waiting = { value }
      return
    }
    this.#emitAndRest(key, value)
  }

  /** Emits what waits, now: nothing more will come for this key. */
  flush(key: string): void {
    const waiting = this.#entries.get(key)?.waiting
    this.drop(key)
    if (waiting !== undefined) this.#emit(key, waiting.value)
  }

  /** Forgets what waits. */
  drop(key: string): void {
    clearTimeout(this.#entries.get(key)?.timer)
    this.#entries.delete(key)
  }

  #emitAndRest(key: string, value: V): void {
    const timer = setTimeout(() => {
      const waiting = this.#entries.get(key)?.waiting
      this.#entries.delete(key)
      if (waiting !== undefined) this.#emitAndRest(key, waiting.value)
    }, this.#intervalMs)
    this.#entries.set(key, { waiting: undefined, timer })
    this.#emit(key, value)
  }
}
