// SPDX-License-Identifier: Apache-2.0
// Tells whether something must be made again: by the content of what it is made from.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

/**
 * A hash over the names and contents of files. Reading everything is cheap here (a few hundred small
 * files) and, unlike times, does not depend on how a checkout came about.
 * @param {string} root
 * @param {readonly string[]} paths files or folders, relative to root; what does not exist counts as empty
 * @param {(path: string) => boolean} [accept] takes a path relative to root
 * @returns {string} SHA-256 in hex
 */
export function hashFiles(root, paths, accept = () => true) {
  const hash = createHash('sha256')
  for (const path of paths.flatMap((start) => filesUnder(root, start)).sort()) {
    if (!accept(path)) continue
    const content = readFileSync(join(root, path))
    hash.update(`${path}\0${content.length}\0`).update(content)
  }
  return hash.digest('hex')
}

/** @param {string} root @param {string} start @returns {string[]} */
function filesUnder(root, start) {
  const path = join(root, start)
  const info = statSync(path, { throwIfNoEntry: false })
  if (!info) return []
  if (info.isFile()) return [start]
  return readdirSync(path).flatMap((name) => filesUnder(root, join(start, name)))
}
