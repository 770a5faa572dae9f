// SPDX-License-Identifier: Apache-2.0
// Writes a tar archive from entries in memory. The same entries always give the same bytes: sorted,
// owned by root, all times 0. Names that do not fit a plain ustar header are refused.
import { Header } from 'tar'

/**
 * @typedef {object} TarEntry
 * @property {string} path no leading or trailing slash
 * @property {'file' | 'directory' | 'symlink'} type
 * @property {number} mode permission bits with setuid, setgid, sticky
 * @property {Buffer} [content] of a file
 * @property {string} [target] of a symlink
 */

/** @param {string} path @param {number} [mode] @returns {TarEntry} */
export const directory = (path, mode = 0o755) => ({ path, type: 'directory', mode })
/** @param {string} path @param {string} target @returns {TarEntry} */
export const symlink = (path, target) => ({ path, type: 'symlink', mode: 0o777, target })
/** @param {string} path @param {Buffer | string} content @param {number} [mode] @returns {TarEntry} */
export const file = (path, content, mode = 0o644) => {
  return { path, type: 'file', mode, content: Buffer.from(content) }
}

const BLOCK = 512
const types = /** @type {const} */ ({
  file: 'File',
  directory: 'Directory',
  symlink: 'SymbolicLink',
})

/** @param {readonly TarEntry[]} entries in any order @returns {Buffer} */
export function tarOf(entries) {
  const sorted = entries.toSorted((a, b) => (a.path < b.path ? -1 : 1))
  const blocks = sorted.flatMap((entry, index) => {
    if (entry.path === sorted[index - 1]?.path) throw new Error(`${entry.path} is there twice`)
    return [headerOf(entry), ...contentOf(entry)]
  })
  return Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK)])
}

/** @param {TarEntry} entry */
function headerOf(entry) {
  const header = new Header({
    path: entry.type === 'directory' ? `${entry.path}/` : entry.path,
    type: types[entry.type],
    mode: entry.mode,
    uid: 0,
    gid: 0,
    uname: 'root',
    gname: 'root',
    size: entry.content?.length ?? 0,
    mtime: new Date(0),
    linkpath: entry.target ?? '',
  })
  const block = Buffer.alloc(BLOCK)
  if (header.encode(block)) throw new Error(`${entry.path}: name too long for the archive`)
  return block
}

/** @param {TarEntry} entry */
function contentOf({ content }) {
  if (!content?.length) return []
  return [content, Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK)]
}
