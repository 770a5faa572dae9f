// SPDX-License-Identifier: Apache-2.0
// The test suites, each a vitest project of the same name, in the order in which they run. Each has a time after
// which it is ended and counts as failed: bounds for what hangs, well above what a run takes.

/** @typedef {'unit' | 'integration' | 'e2e'} SuiteName */

/** @type {Readonly<Record<SuiteName, { limitMs: number }>>} */
export const suites = {
  unit: { limitMs: 5 * 60_000 },
  integration: { limitMs: 25 * 60_000 },
  e2e: { limitMs: 15 * 60_000 },
}

/**
 * Takes the suites' names off the arguments' front: `npm test -- unit image` is suite unit with `image` for vitest.
 * @param {readonly string[]} args
 * @returns {{ names: SuiteName[], rest: string[] }} all suites if none is named
 */
export function chooseSuites(args) {
  const all = /** @type {SuiteName[]} */ (Object.keys(suites))
  const end = args.findIndex((arg) => !(arg in suites))
  const named = end < 0 ? args : args.slice(0, end)
  const rest = args.slice(named.length)
  return { names: named.length === 0 ? all : all.filter((name) => named.includes(name)), rest }
}
