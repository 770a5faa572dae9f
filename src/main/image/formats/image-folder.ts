// SPDX-License-Identifier: Apache-2.0
// The files of an image on disk, by the names they have in it: in a folder, or inside a tar archive
// that is read where it lies. Nothing in an archive can name a file of this host: its members are
// looked up in the list of them, links among them included.
import { open, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path/posix'
import { MicrovmError } from '../../../contract/errors'
import { quote } from '../digest'
import { insideRoot } from '../tar/tar-entry'
import { TarReader } from '../tar/tar-reader'

export interface FileRange {
  readonly path: string
  readonly offset: number
  readonly size: number
}

export interface ImageFolder {
  /** Where a file's bytes are; undefined if there is no such file. */
  locate(name: string): Promise<FileRange | undefined>
  /** Of a tar archive that is no image but the files of one: itself. */
  readonly rootfs?: FileRange
}

/** Folders at the top of a Linux system; an archive with an image in it has none of these. */
const systemFolders = new Set(['bin', 'etc', 'home', 'lib', 'opt', 'root', 'sbin', 'usr', 'var'])

/** @throws IMAGE_TOO_LARGE beyond `max` bytes, IMAGE_INVALID if it ends too soon */
export async function readMember(
  folder: ImageFolder,
  name: string,
  max: number,
): Promise<Buffer | undefined> {
  const range = await folder.locate(name)
  if (range === undefined) return undefined
  if (range.size > max)
    throw new MicrovmError('IMAGE_TOO_LARGE', `${quote(name)} has ${range.size} bytes`)
  const file = await open(range.path)
  try {
    const bytes = Buffer.alloc(range.size)
    const { bytesRead } = await file.read(bytes, 0, range.size, range.offset)
    if (bytesRead === range.size) return bytes
    throw new MicrovmError('IMAGE_INVALID', `${quote(name)} ends too soon`)
  } finally {
    await file.close()
  }
}

/** @param root a folder the user named; `name`s are never taken from its files unchecked */
export function folderOnDisk(root: string): ImageFolder {
  return {
    async locate(name) {
      const path = join(root, insideRoot(name))
      const found = await stat(path).catch(() => undefined)
      return found?.isFile() ? { path, offset: 0, size: found.size } : undefined
    },
  }
}

type Member =
  | { readonly kind: 'file'; offset: number; readonly size: number }
  | { readonly kind: 'link'; readonly target: string }

const MAX_MEMBERS = 100_000
const MAX_LINKS = 8
const SCAN_BYTES = 64 * 1024

/**
 * Lists an uncompressed tar archive by reading its headers only.
 * @throws IMAGE_INVALID, IMAGE_TOO_LARGE, AbortError
 */
export async function folderInTar(path: string, signal?: AbortSignal): Promise<ImageFolder> {
  const { members, isRootfs } = await scan(path, signal)
  if (isRootfs) {
    const { size } = await stat(path)
    return { locate: async () => undefined, rootfs: { path, offset: 0, size } }
  }
  return {
    async locate(name) {
      let member = members.get(insideRoot(name))
      for (let links = 0; member?.kind === 'link' && links < MAX_LINKS; links++)
        member = members.get(member.target)
      if (member?.kind !== 'file') return undefined
      return { path, offset: member.offset, size: member.size }
    },
  }
}

async function scan(
  path: string,
  signal?: AbortSignal,
): Promise<{ members: Map<string, Member>; isRootfs: boolean }> {
  const members = new Map<string, Member>()
  const found = { isRootfs: false }
  let position = 0
  let current: { kind: 'file'; offset: number; size: number } | undefined
  const reader = new TarReader({
    entry(entry) {
      if (members.size === MAX_MEMBERS)
        throw new MicrovmError('IMAGE_TOO_LARGE', `it has more than ${MAX_MEMBERS} files`)
      current = undefined
      found.isRootfs ||= systemFolders.has(entry.path.split('/', 1)[0]!)
      if (entry.type === 'file') {
        current = { kind: 'file', offset: -1, size: entry.size }
        members.set(entry.path, current)
      } else if (entry.type === 'hardlink') {
        members.set(entry.path, { kind: 'link', target: entry.target })
      } else if (entry.type === 'symlink' && !entry.target.startsWith('/')) {
        const target = join('/', dirname(entry.path), entry.target).slice(1)
        members.set(entry.path, { kind: 'link', target })
      }
    },
    content(_chunk, start) {
      if (current?.offset === -1) current.offset = position + start
    },
  })
  const file = await open(path)
  try {
    const { size } = await file.stat()
    const chunk = Buffer.alloc(SCAN_BYTES)
    while (position < size && !reader.ended && !found.isRootfs) {
      signal?.throwIfAborted()
      const { bytesRead } = await file.read(chunk, 0, chunk.length, position)
      if (bytesRead === 0) break
      reader.push(chunk.subarray(0, bytesRead))
      position += bytesRead
      // A header may be the last thing in a chunk.
      if (current?.offset === -1) current.offset = position
      const skipped = Math.min(reader.contentLeft, size - position)
      reader.skipContent(skipped)
      position += skipped
    }
    if (!found.isRootfs) reader.finish()
  } finally {
    await file.close()
  }
  return { members, ...found }
}
