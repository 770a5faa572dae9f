// SPDX-License-Identifier: Apache-2.0
// Writes a tar archive, of entries in memory or streamed from files. The same entries always give the same bytes:
// sorted, owned by root, all times 0. Names that do not fit a plain ustar header are refused.
import { createReadStream } from 'node:fs'
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
const CHUNK = 1024 * 1024
const end = Buffer.alloc(2 * BLOCK)
const types = /** @type {const} */ ({
  file: 'File',
  directory: 'Directory',
  symlink: 'SymbolicLink',
})

/** @param {readonly TarEntry[]} entries in any order @returns {Buffer} */
export function tarOf(entries) {
  const blocks = inOrder(entries).flatMap((entry) => {
    const size = entry.content?.length ?? 0
    return [headerOf(entry, size), entry.content ?? Buffer.alloc(0), paddingOf(size)]
  })
  return Buffer.concat([...blocks, end])
}

/**
 * The same for content too large to hold.
 * @param {readonly (TarEntry & { from?: { path: string, size: number } })[]} entries in any order; `from`: the file
 *   whose content it is, instead of `content`
 * @returns {AsyncGenerator<Buffer>}
 * @throws {Error} if a file has another size than it is said to have
 */
export async function* streamTar(entries) {
  for (const entry of inOrder(entries)) {
    const size = entry.from?.size ?? entry.content?.length ?? 0
    yield headerOf(entry, size)
    let seen = entry.content?.length ?? 0
    if (entry.content) yield entry.content
    if (entry.from) {
      for await (const chunk of createReadStream(entry.from.path, { highWaterMark: CHUNK })) {
        seen += chunk.length
        yield chunk
      }
    }
    if (seen !== size) throw new Error(`${entry.path} has ${seen} bytes, not ${size}`)
    yield paddingOf(size)
  }
  yield end
}

/** @template {TarEntry} T @param {readonly T[]} entries @returns {T[]} */
function inOrder(entries) {
  const sorted = entries.toSorted((a, b) => (a.path < b.path ? -1 : 1))
  const twice = sorted.find((entry, index) => entry.path === sorted[index - 1]?.path)
  if (twice) throw new Error(`${twice.path} is there twice`)
  return sorted
}

/** @param {TarEntry} entry @param {number} size */
function headerOf(entry, size) {
  const header = new Header({
    path: entry.type === 'directory' ? `${entry.path}/` : entry.path,
    type: types[entry.type],
    mode: entry.mode,
    uid: 0,
    gid: 0,
    uname: 'root',
    gname: 'root',
    size,
    mtime: new Date(0),
    linkpath: entry.target ?? '',
  })
  const block = Buffer.alloc(BLOCK)
  if (header.encode(block)) throw new Error(`${entry.path}: name too long for the archive`)
  return block
}

/** @param {number} size */
const paddingOf = (size) => Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK)
