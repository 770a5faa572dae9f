// SPDX-License-Identifier: Apache-2.0
// At most so many at a time; of those that wait the heaviest first, then in the order they came.

export class Semaphore {
  #free: number
  readonly #waiting: { readonly weight: number; readonly enter: () => void }[] = []

  constructor(count: number) {
    this.#free = count
  }

  /** @throws the signal's reason if it fires while waiting; what `work` throws */
  async run<T>(work: () => Promise<T>, signal: AbortSignal, weight = 0): Promise<T> {
    await this.#enter(signal, weight)
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next) next.enter()
      else this.#free++
    }
  }

  async #enter(signal: AbortSignal, weight: number): Promise<void> {
    signal.throwIfAborted()
    if (this.#free > 0) {
      this.#free--
      return
    }
    await new Promise<void>((resolve, reject) => {
      const place = {
        weight,
        enter: (): void => {
          signal.removeEventListener('abort', leave)
          resolve()
        },
      }
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(place), 1)
        reject(signal.reason as Error)
      }
      const lighter = this.#waiting.findIndex((other) => other.weight < weight)
      this.#waiting.splice(lighter === -1 ? this.#waiting.length : lighter, 0, place)
      signal.addEventListener('abort', leave, { once: true })
    })
  }
}
