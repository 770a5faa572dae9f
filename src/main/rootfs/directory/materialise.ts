// SPDX-License-Identifier: Apache-2.0
// Writes a tree out as a directory of the host, for a guest that gets its root by virtio-fs.
//
// Always: nothing outside the new directory is touched, whatever the tree says. It is made here, empty and 0700;
// every name in it is one part; every file, folder and link is made by a call that fails if the name is
// taken, so no path of ours ever leads through a link. Links are written as text and never followed.
// Devices, fifos and sockets become empty files with an attribute that says what they are to the guest.
// Not here: which tree, where to, and that what is there is whole (root-directory.ts).
import { constants } from 'node:fs'
import { lchown, link, lutimes, mkdir, open, symlink, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { setAttr } from 'fs-native-extensions'
import { MicrovmError } from '../../../contract/errors'
import type { FsNode } from '../../image/tree/fs-tree'
import { nameProblem } from '../erofs/directory'
import type { Content } from './content'
import { hostMode, OVERRIDE_STAT, overrideStat, type HostOwner } from './override-stat'

/** Files written side by side: as many as Node has threads for them, and some in waiting. */
const FILES_AT_A_TIME = 8
/** Answers of a file system that cannot hold an attribute, or of a system that does not let us. */
const attributeRefusals = new Set([
  ...['ENOTSUP', 'EOPNOTSUPP', 'EPERM', 'EACCES', 'EINVAL', 'ENOSPC', 'ERANGE', 'E2BIG'],
])
/** The furthest from 1970 that a Date goes (ECMA-262, "Time Values"). */
const MAX_DATE_MS = 8.64e15
/** What means the same to the host and the guest; the rest (`user.containers.`, labels) is one side's alone. */
const CARRIED =
  /^(user\.(?!containers\.)|security\.capability$|system\.posix_acl_(access|default)$)/
/** macOS: opens a link, not what it leads to. */
const O_LINK_ITSELF = process.platform === 'darwin' ? constants.O_SYMLINK : undefined

export interface MaterialiseOptions {
  readonly content: Content
  /** This process's unless given. */
  readonly owner?: HostOwner
  readonly signal?: AbortSignal | undefined
}

export const ownerHere = (): HostOwner => ({
  exact: process.platform === 'linux' && process.getuid?.() === 0,
  platform: process.platform,
})

/**
 * @param target must not exist, its parent must; left half done if this throws
 * @returns names of extended attributes that had to be left out
 * @throws IMAGE_INVALID for names this host cannot hold, DISK_FULL, CANCELLED, what `content` throws
 */
export async function materialise(
  root: FsNode,
  target: string,
  options: MaterialiseOptions,
): Promise<Set<string>> {
  const writer = new Writer(options)
  try {
    await writer.directory(root, target, '')
  } catch (error) {
    throw MicrovmError.from(error)
  }
  return writer.dropped
}

class Writer {
  readonly dropped = new Set<string>()
  readonly #content: Content
  readonly #owner: HostOwner
  readonly #signal: AbortSignal | undefined
  /** The first name of each file, once it is written. */
  readonly #written = new Map<FsNode, Promise<string>>()

  constructor({ content, owner = ownerHere(), signal }: MaterialiseOptions) {
    this.#content = content
    this.#owner = owner
    this.#signal = signal
  }

  async directory(node: FsNode, path: string, inside: string): Promise<void> {
    await mkdir(path, { mode: 0o700 })
    const children = [...node.children].map(([name, child]): Place => {
      const problem = nameProblem(name)
      if (problem !== undefined)
        throw new MicrovmError('IMAGE_INVALID', `a name in /${inside} ${problem}`)
      return [child, join(path, name), inside === '' ? name : `${inside}/${name}`]
    })
    const isFolder = ([child]: Place): boolean => child.type === 'directory'
    await forEach(
      children.filter((place) => !isFolder(place)),
      FILES_AT_A_TIME,
      async (place) => {
        this.#signal?.throwIfAborted()
        await explain(place[2], this.#file(...place))
      },
    )
    for (const place of children.filter(isFolder)) await explain(place[2], this.directory(...place))
    const handle = await open(
      path,
      constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW,
    )
    await this.#finish(handle, node)
  }

  async #file(node: FsNode, path: string, inside: string): Promise<void> {
    if (node.type === 'symlink') return await this.#link(node, path)
    const first = this.#written.get(node)
    if (first !== undefined && (await anotherName(await first, path))) return
    const writing = this.#content
      .make(node, path, inside, this.#signal)
      .then((handle) => this.#finish(handle, node))
      .then(() => path)
    // A later name waits for this one; that it failed is told here, once.
    writing.catch(() => undefined)
    this.#written.set(node, writing)
    await writing
  }

  async #link(node: FsNode, path: string): Promise<void> {
    await symlink(node.target, path)
    if (this.#owner.exact) await lchown(path, node.uid, node.gid)
    // Linux has no user attributes on links; their mode means nothing and their owner little.
    if (O_LINK_ITSELF !== undefined) {
      const handle = await open(path, constants.O_RDONLY | O_LINK_ITSELF)
      try {
        await this.#setAttribute(handle, OVERRIDE_STAT, Buffer.from(overrideStat(node)))
      } finally {
        await handle.close()
      }
    }
    await lutimes(path, nodeTime(node), nodeTime(node))
  }

  /** Attributes, owner, mode and time, in the order in which none undoes another. */
  async #finish(handle: FileHandle, node: FsNode): Promise<void> {
    try {
      await this.#setAttribute(handle, OVERRIDE_STAT, Buffer.from(overrideStat(node)))
      if (this.#owner.exact) await handle.chown(node.uid, node.gid)
      for (const [name, value] of node.xattrs)
        if (CARRIED.test(name)) await this.#setAttribute(handle, name, Buffer.from(value))
        else this.dropped.add(name)
      await handle.chmod(hostMode(node, this.#owner))
      await handle.utimes(nodeTime(node), nodeTime(node))
    } finally {
      await handle.close()
    }
  }

  async #setAttribute(handle: FileHandle, name: string, value: Buffer): Promise<void> {
    try {
      await setAttr(handle.fd, name, value)
    } catch (error) {
      if (!attributeRefusals.has((error as NodeJS.ErrnoException).code ?? '')) throw error
      this.dropped.add(name)
    }
  }
}

/** Node, path on the host, path in the tree. */
type Place = [FsNode, string, string]

/** So many at a time, in order; all that began have ended when the first failure is thrown. */
async function forEach<T>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const ahead = items.values()
  let failed = false
  const worker = async (): Promise<void> => {
    for (const item of ahead) {
      if (failed) return
      await work(item).catch((error: unknown) => {
        failed = true
        throw error
      })
    }
  }
  const workers = await Promise.allSettled(Array.from({ length: limit }, worker))
  const failure = workers.find(({ status }) => status === 'rejected')
  if (failure?.status === 'rejected') throw failure.reason
}

/** What the host cannot hold is the image's fault, and is told with the name in the image. */
async function explain<T>(inside: string, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENAMETOOLONG')
      throw new MicrovmError('IMAGE_INVALID', `/${inside} is longer than this host takes`)
    if (code === 'EEXIST')
      throw new MicrovmError('IMAGE_INVALID', `/${inside} is there already by another name`, {
        hint: 'The disk that holds the data directory does not tell upper from lower case: put the data directory on one that does.',
      })
    throw error
  }
}

/** @returns false if the file has as many names as this file system allows: then it is written once more */
async function anotherName(first: string, path: string): Promise<boolean> {
  try {
    await link(first, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EMLINK') return false
    throw error
  }
}

/**
 * A time as Node takes it. It cuts floating-point seconds down to microseconds: half of one more, and none is
 * lost to rounding. It takes negative numbers for "now", but not dates before 1970; those are whole milliseconds.
 */
function nodeTime({ mtime, mtimeNs }: Pick<FsNode, 'mtime' | 'mtimeNs'>): number | Date {
  const microseconds = Math.floor(mtimeNs / 1000)
  return mtime < 0
    ? new Date(Math.max(mtime * 1000 + Math.floor(microseconds / 1000), -MAX_DATE_MS))
    : mtime + (microseconds + 0.5) / 1e6
}
