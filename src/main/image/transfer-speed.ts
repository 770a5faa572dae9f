// SPDX-License-Identifier: Apache-2.0
// How fast bytes come.

/** A speed is that of this long: shorter jumps, longer lags. */
const SPEED_OVER_MS = 3000
/** Of less than this nothing can be said. */
const SHORTEST_MS = 100

export class TransferSpeed {
  readonly #now: () => number
  readonly #samples: { readonly at: number; readonly bytes: number }[] = []

  /** @param now milliseconds */
  constructor(now: () => number) {
    this.#now = now
  }

  /** @param bytes that have come so far */
  come(bytes: number): void {
    this.#samples.push({ at: this.#now(), bytes })
  }

  /** Bytes per second of late, or nothing if that is not known yet. */
  perSecond(): number | undefined {
    const samples = this.#samples
    const since = this.#now() - SPEED_OVER_MS
    while (samples[1] !== undefined && samples[1].at <= since) samples.shift()
    const [first, last] = [samples[0], samples.at(-1)]
    if (!first || !last) return undefined
    const ms = this.#now() - Math.max(first.at, since)
    return ms < SHORTEST_MS ? undefined : Math.round(((last.bytes - first.bytes) / ms) * 1000)
  }
}
