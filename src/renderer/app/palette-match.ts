// SPDX-License-Identifier: Apache-2.0
// Finding a command by a few of its letters. Pure.

/**
 * How well a text fits a query: higher is better, undefined if it does not. All letters must occur
 * in order; those at the start of a word and next to each other count more.
 */
export function matchScore(text: string, query: string): number | undefined {
  const haystack = text.toLowerCase()
  let score = 0
  let at = -1
  for (const letter of query.toLowerCase().replaceAll(' ', '')) {
    const found = bestNext(haystack, letter, at)
    if (found < 0) return undefined
    score += found === at + 1 ? 3 : isWordStart(haystack, found) ? 2 : 0
    at = found
  }
  return score - text.length / 100
}

/** The next occurrence: right behind the last, else at a word's start, else the first there is. */
function bestNext(text: string, letter: string, after: number): number {
  if (text[after + 1] === letter) return after + 1
  const first = text.indexOf(letter, after + 1)
  for (let index = first; index >= 0; index = text.indexOf(letter, index + 1))
    if (isWordStart(text, index)) return index
  return first
}

function isWordStart(text: string, index: number): boolean {
  return index === 0 || /[^a-z0-9]/.test(text[index - 1] ?? '')
}

/** The items that fit, best first; all in their own order for an empty query. */
export function findItems<T extends { readonly label: string }>(
  items: readonly T[],
  query: string,
  limit: number,
): T[] {
  if (query.trim() === '') return items.slice(0, limit)
  return items
    .map((item) => ({ item, score: matchScore(item.label, query) }))
    .filter((found): found is { item: T; score: number } => found.score !== undefined)
    .toSorted((a, b) => b.score - a.score)
    .slice(0, limit)
    .map(({ item }) => item)
}
