// SPDX-License-Identifier: Apache-2.0
// Compares what listing.sh prints in two root file systems.

/** Modification times as `find -printf %T@` prints them. */
const TIME = / (-?\d+)\.(\d{9})\d(?= |$)/

/**
 * Lines that only one of the two has.
 * @param toleranceNs by which the times of a line may differ
 */
export function listingDifferences(expected: string, actual: string, toleranceNs = 0): string[] {
  const [wanted, got] = [expected, actual].map((text) => new Set(text.split('\n')))
  const missing = [...wanted!].filter((line) => !got!.has(line))
  const extra = [...got!].filter((line) => !wanted!.has(line))
  const times = new Map(extra.map((line) => [line.replace(TIME, ''), nanoseconds(line)]))
  const isNear = (line: string, other: bigint | undefined): boolean => {
    const time = nanoseconds(line)
    if (time === undefined || other === undefined) return false
    const apart = time - other
    return (apart < 0n ? -apart : apart) <= BigInt(toleranceNs)
  }
  const near = new Set(
    missing
      .filter((line) => isNear(line, times.get(line.replace(TIME, ''))))
      .map((line) => line.replace(TIME, '')),
  )
  const isFar = (line: string): boolean => !near.has(line.replace(TIME, ''))
  return [
    ...missing.filter(isFar).map((line) => `- ${line}`),
    ...extra.filter(isFar).map((line) => `+ ${line}`),
  ]
}

function nanoseconds(line: string): bigint | undefined {
  const match = TIME.exec(line)
  return match === null ? undefined : BigInt(`${match[1]}${match[2]}`)
}
