// SPDX-License-Identifier: Apache-2.0
// Memory and disk as people type them. Pure.

/** "1024", "1,024 MB", "2 GB", "1.5g" → MiB. A bare number is MB. undefined: not understood. */
export function parseMib(text: string): number | undefined {
  const match = /^\s*(\d+(?:\.\d+)?)\s*(m|mb|mib|g|gb|gib|t|tb|tib)?\s*$/i.exec(
    text.replaceAll(',', ''),
  )
  if (match === null) return undefined
  const factors: Record<string, number> = { m: 1, g: 1024, t: 1024 * 1024 }
  const unit = (match[2] ?? 'm').charAt(0).toLowerCase()
  return Math.round(Number(match[1]) * (factors[unit] ?? 1))
}

/** "4" → 4. undefined: no whole number. */
export function parseWhole(text: string): number | undefined {
  return /^\s*\d+\s*$/.test(text) ? Number(text) : undefined
}

/**
 * Stops of a slider over sizes in MiB: `min`, then powers of two with one step between, up to `max`.
 * A linear slider from 64 MB to 1 TB could not be aimed at.
 */
export function sizeStops(min: number, max: number): number[] {
  const stops: number[] = []
  for (let size = min; size < max; size *= 2) {
    stops.push(size)
    const between = size * 1.5
    if (size >= 512 && between < max) stops.push(between)
  }
  stops.push(max)
  return stops
}

/** Index of the stop nearest to a value. */
export function nearestStop(stops: readonly number[], value: number): number {
  let best = 0
  stops.forEach((stop, index) => {
    if (Math.abs(stop - value) < Math.abs((stops[best] ?? 0) - value)) best = index
  })
  return best
}
