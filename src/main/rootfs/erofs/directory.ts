// SPDX-License-Identifier: Apache-2.0
// A directory's content: blocks of 12-byte entries followed by their names, in byte order of the
// names over the whole directory, '.' and '..' among them. The kernel searches it by bisection:
// first the block, by its first name, then the entry.
import type { FsNode } from '../../image/tree/fs-tree'
import { BLOCK_SIZE, DIRENT_SIZE, NAME_BYTES_MAX, direntType, writeInt64 } from './format'

export interface DirectoryPlan {
  /** In byte order. */
  readonly names: readonly string[]
  /** Index of each name's inode. */
  readonly targets: readonly number[]
  /** First entry of each block, then the number of entries. */
  readonly bounds: readonly number[]
  /** Bytes; the last block counts only as far as it is used. */
  readonly size: number
}

/** What keeps a string from being a file's name, or undefined. */
export function nameProblem(name: string): string | undefined {
  if (name === '') return 'is empty'
  if (name === '.' || name === '..') return 'is reserved'
  if (name.includes('/') || name.includes('\0')) return 'holds a slash or a NUL'
  if (/\p{Surrogate}/u.test(name)) return 'is not Unicode'
  // A UTF-16 unit makes at most three bytes, so that most names need no counting.
  if (name.length * 3 > NAME_BYTES_MAX && Buffer.byteLength(name) > NAME_BYTES_MAX)
    return `is longer than ${NAME_BYTES_MAX} bytes`
  return undefined
}

/** A directory's names with '.' and '..', sorted by their UTF-8 bytes. */
export function sortedNames(children: Iterable<string>): string[] {
  const names = ['.', '..', ...children].sort()
  // UTF-16 order is UTF-8's order unless there are surrogates: they sort below U+E000, their bytes above.
  if (!names.some((name) => /[\ud800-\udfff]/.test(name))) return names
  return names
    .map((name) => ({ name, bytes: Buffer.from(name) }))
    .sort((a, b) => a.bytes.compare(b.bytes))
    .map(({ name }) => name)
}

/** Divides the entries among blocks, each as full as it gets. */
export function planDirectory(names: readonly string[], targets: readonly number[]): DirectoryPlan {
  const bounds = [0]
  let used = 0
  for (let entry = 0; entry < names.length; entry++) {
    const size = DIRENT_SIZE + Buffer.byteLength(names[entry]!)
    if (used + size > BLOCK_SIZE) {
      bounds.push(entry)
      used = 0
    }
    used += size
  }
  const size = (bounds.length - 1) * BLOCK_SIZE + used
  bounds.push(names.length)
  return { names, targets, bounds, size }
}

/**
 * Writes one block into zeroed bytes: zeros behind the last name are how its end is found.
 * @param inodes what `targets` index
 */
export function writeDirectoryBlock(
  out: Buffer,
  at: number,
  plan: DirectoryPlan,
  block: number,
  inodes: readonly { readonly node: FsNode; readonly nid: number }[],
): void {
  const first = plan.bounds[block]!
  const end = plan.bounds[block + 1]!
  let nameAt = (end - first) * DIRENT_SIZE
  for (let entry = first, entryAt = at; entry < end; entry++, entryAt += DIRENT_SIZE) {
    const { node, nid } = inodes[plan.targets[entry]!]!
    writeInt64(out, nid, entryAt)
    out.writeUInt16LE(nameAt, entryAt + 8)
    out.writeUInt8(direntType(node.type), entryAt + 10)
    nameAt += out.write(plan.names[entry]!, at + nameAt)
  }
}
