// SPDX-License-Identifier: Apache-2.0
// Finds files of an image by their path. Letters match in either case.
import { setImmediate } from 'node:timers/promises'
import type { FileMatch, FileSearch, FileView } from '../../../contract/images'
import type { ImageHistory } from './browse-history'
import { describe, walkPlaces } from './browse-list'

/** The event loop gets its turn after so many names. */
const NAMES_AT_A_TIME = 5000

/**
 * @param query a part of a path ("bin/py"), or a pattern: `*` and `?` within a name, `**` over folders. A pattern
 *   without a slash is one for names ("*.conf"), one with a slash for whole paths ("/etc/**" + "/*.conf")
 * @param limit most matches; which ones, if there are more, is not said
 * @throws AbortError
 */
export async function searchFiles(
  history: ImageHistory,
  view: FileView,
  query: string,
  limit: number,
  signal?: AbortSignal,
): Promise<FileSearch> {
  const isWanted = pathTest(query)
  const matches: FileMatch[] = []
  let complete = true
  let count = 0
  for (const { path, place } of walkPlaces(history, view)) {
    if (++count % NAMES_AT_A_TIME === 0) await setImmediate(undefined, signal ? { signal } : {})
    if (!isWanted(path)) continue
    complete = matches.length < limit
    if (!complete) break
    matches.push({ ...describe(place, view)!, path })
  }
  return { matches: matches.sort((a, b) => (a.path < b.path ? -1 : 1)), complete }
}

/** Takes time in proportion to query times path at most, whatever the query is. */
function pathTest(query: string): (path: string) => boolean {
  const wanted = query.trim().toLowerCase()
  if (!/[*?]/.test(wanted)) return (path) => `/${path}`.toLowerCase().includes(wanted)
  if (!wanted.includes('/'))
    return (path) => fitsName(wanted, path.slice(path.lastIndexOf('/') + 1).toLowerCase())
  const parts = wanted.split('/').filter((part) => part !== '')
  return (path) => fits(parts, path.toLowerCase().split('/'), (part) => part === '**', fitsName)
}

const fitsName = (pattern: string, name: string): boolean =>
  fits(
    pattern,
    name,
    (sign) => sign === '*',
    (sign, letter) => sign === '?' || sign === letter,
  )

/**
 * Whether items fit a pattern, in which some signs stand for any run of items. It is enough to go back to the last
 * such sign: what fits before an earlier one fits there as well.
 */
function fits(
  pattern: ArrayLike<string>,
  items: ArrayLike<string>,
  isRun: (sign: string) => boolean,
  fitsOne: (sign: string, item: string) => boolean,
): boolean {
  let sign = 0
  let run = -1
  let runEnd = 0
  for (let item = 0; item < items.length;) {
    if (sign < pattern.length && isRun(pattern[sign]!)) {
      run = sign++
      runEnd = item
    } else if (sign < pattern.length && fitsOne(pattern[sign]!, items[item]!)) {
      sign++
      item++
    } else if (run !== -1) {
      sign = run + 1
      item = ++runEnd
    } else return false
  }
  while (sign < pattern.length && isRun(pattern[sign]!)) sign++
  return sign === pattern.length
}
