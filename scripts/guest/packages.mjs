// SPDX-License-Identifier: Apache-2.0
// The unpacked Debian packages that set-up leaves in one folder: `packages.json` there says which
// version of each is meant, and the folder it was unpacked to.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** @typedef {Record<string, { version: string, folder: string }>} PackageIndex */

/**
 * @param {string} dir
 * @returns {Promise<{ version: (name: string) => string, path: (name: string, file: string) => string }>}
 */
export async function openPackages(dir) {
  /** @type {PackageIndex} */
  const index = JSON.parse(await readFile(join(dir, 'packages.json'), 'utf8'))
  /** @param {string} name */
  const get = (name) => {
    const found = index[name]
    if (!found) throw new Error(`${dir} has no package ${name}; run the set-up again`)
    return found
  }
  return {
    version: (name) => get(name).version,
    path: (name, file) => join(dir, get(name).folder, file),
  }
}
