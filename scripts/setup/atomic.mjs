// SPDX-License-Identifier: Apache-2.0
// Everything set-up makes appears under its final name only when it is whole.
import { mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

const MARK = '.partial-'

/**
 * Makes a folder or file: `make` fills a fresh path next to `target`, which is then renamed over it.
 * On failure nothing is left. Callers hold a lock, so leftovers of a killed run are removed here.
 * @template T
 * @param {string} target
 * @param {(partial: string) => Promise<T>} make gets a path that does not exist yet
 * @returns {Promise<T>}
 */
export async function makeAtomically(target, make) {
  const parent = dirname(target)
  await mkdir(parent, { recursive: true })
  await removeLeftovers(parent, basename(target))
  const scratch = await mkdtemp(join(parent, basename(target) + MARK))
  try {
    const partial = join(scratch, 'new')
    const result = await make(partial)
    await replace(target, partial, join(scratch, 'old'))
    return result
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

/** @param {string} target @param {unknown} value */
export async function writeJsonAtomically(target, value) {
  await makeAtomically(target, (partial) =>
    writeFile(partial, `${JSON.stringify(value, undefined, 2)}\n`),
  )
}

/** @param {string} target @param {string} partial @param {string} old */
async function replace(target, partial, old) {
  // rename() replaces a file, but not a folder that has something in it.
  if (await isFolder(target)) await rename(target, old)
  await rename(partial, target)
}

/** @param {string} path */
async function isFolder(path) {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false
}

/** @param {string} parent @param {string} name */
async function removeLeftovers(parent, name) {
  for (const entry of await readdir(parent)) {
    if (entry.startsWith(name + MARK)) await rm(join(parent, entry), { recursive: true })
  }
}
