// SPDX-License-Identifier: Apache-2.0
// Applies layers to a tree, by the image-spec's rules (layer.md) and, where they leave a choice, as
// Docker does when it unpacks a layer inside a chroot:
// - Symbolic links in the path of an entry's parent are followed, inside the root: absolute ones and
//   '..' cannot leave it. The last part is never followed: an entry replaces the link of its name,
//   also a directory one that leads to a directory.
// - An entry replaces what has its name; only a directory over a directory keeps the children.
// - A parent that is missing is made, 0755 and root's. A parent that is no directory is an error.
// - Whiteouts remove what layers below have put there, never what their own layer puts there,
//   wherever in the layer they stand. One that finds nothing to remove does nothing.
// - A hard link gives an inode one more name and, as its header carries them, its metadata.
// - trusted.* attributes are left out (containerd does, too): overlayfs takes orders in them.
import { MicrovmError } from '../../../contract/errors'
import { quote } from '../digest'
import type { Entry } from './entry'
import type { FsNode } from './fs-tree'
import { whiteoutOf, type Whiteout } from './whiteout'

/** As Linux has it (path_resolution(7)). */
const MAX_LINKS_FOLLOWED = 40
/** No path that fits PATH_MAX goes deeper; without links no tree could either. */
const MAX_DEPTH = 2048
/**
 * What a short entry can make us do at length, in one tree: parts of link targets walked through, names
 * looked at by whiteouts. Far more than any image needs.
 */
const MAX_STEPS = 20_000_000
const noChildren = new Map<string, FsNode>()
const noXattrs: ReadonlyMap<string, Uint8Array> = new Map()

/** Told of every name that is put into a directory, replaced or removed; some turn out the same. */
export type OnTouch = (folder: FsNode, name: string) => void

export class TreeBuilder {
  readonly root: FsNode
  readonly #onTouch: OnTouch | undefined
  #layer = 0
  /** Names the present layer has put into directories; absent in a layer that removes nothing. */
  #own: Map<FsNode, Set<string>> | undefined
  #steps = 0
  /** The parent found last: entries of one directory mostly come together. */
  #lastPath: string | undefined
  #lastParent: FsNode

  constructor(root: FsNode = emptyDirectory(), onTouch?: OnTouch) {
    this.root = root
    this.#onTouch = onTouch
    this.#lastParent = root
  }

  /**
   * @param index of the layer the entries that follow belong to
   * @param removes whether its whiteouts count: needless for one that has none or nothing below it
   */
  beginLayer(index: number, removes: boolean): void {
    this.#layer = index
    this.#own = removes ? new Map() : undefined
    this.#forgetParent()
  }

  /** @throws IMAGE_INVALID, with the entry's name in the message */
  apply(entry: Entry): void {
    try {
      const whiteout = whiteoutOf(entry.path)
      if (whiteout === undefined) this.#place(entry)
      else if (whiteout.kind !== 'ignore') this.#whiteOut(entry.path, whiteout)
    } catch (error) {
      throw MicrovmError.inContext(quote(entry.path), error)
    }
  }

  #place(entry: Entry): void {
    if (entry.path === '') {
      setMetadata(this.root, entry)
      return
    }
    const parent = this.#parentOf(entry.path)
    const name = entry.path.slice(entry.path.lastIndexOf('/') + 1)
    const old = parent.children.get(name)
    if (entry.type === 'directory' && old?.type === 'directory') setMetadata(old, entry)
    else {
      const node =
        entry.type === 'hardlink' ? this.#linked(entry, parent, name) : this.#newNode(entry)
      parent.children.set(name, node)
      if (old !== undefined && (old.type === 'directory' || old.type === 'symlink'))
        this.#forgetParent()
    }
    this.#markOwn(parent, name)
    this.#onTouch?.(parent, name)
  }

  #whiteOut(path: string, whiteout: Whiteout): void {
    if (this.#own === undefined) return
    const parent = this.#walk(path.slice(0, Math.max(0, path.lastIndexOf('/'))), false)
    if (parent === undefined) return
    const names = whiteout.kind === 'remove' ? [whiteout.name] : [...parent.children.keys()]
    for (const name of names) this.#removeLower(parent, name, this.#own)
    this.#forgetParent()
  }

  #newNode(entry: Entry): FsNode {
    return {
      type: entry.type as FsNode['type'],
      mode: entry.mode,
      uid: entry.uid,
      gid: entry.gid,
      mtime: entry.mtime,
      mtimeNs: entry.mtimeNs,
      size: entry.size,
      layer: this.#layer,
      offset: entry.offset,
      target: entry.target,
      major: entry.major,
      minor: entry.minor,
      xattrs: allowed(entry.xattrs),
      children: entry.type === 'directory' ? new Map() : noChildren,
    }
  }

  /** @param place the directory the link goes to */
  #linked(entry: Entry, place: FsNode, name: string): FsNode {
    const slash = entry.target.lastIndexOf('/')
    const targetName = entry.target.slice(slash + 1)
    const parent = this.#walk(entry.target.slice(0, Math.max(0, slash)), false)
    const node = parent?.children.get(targetName)
    if (parent === place && targetName === name) throw invalid('it is a hard link to itself')
    if (node === undefined)
      throw invalid(`the file it is a hard link to, ${quote(entry.target)}, does not exist`)
    if (node.type === 'directory') throw invalid('it is a hard link to a directory')
    if (node.type !== 'symlink')
      setMetadata(node, entry.xattrs.size === 0 ? { ...entry, xattrs: node.xattrs } : entry)
    return node
  }

  #parentOf(path: string): FsNode {
    const slash = path.lastIndexOf('/')
    const parentPath = slash === -1 ? '' : path.slice(0, slash)
    if (parentPath !== this.#lastPath) {
      this.#lastParent = this.#walk(parentPath, true)!
      this.#lastPath = parentPath
    }
    return this.#lastParent
  }

  #forgetParent(): void {
    this.#lastPath = undefined
  }

  /**
   * The directory a path leads to inside the root.
   * @param makes missing directories; else the result is undefined if one is missing
   */
  #walk(path: string, makes: boolean): FsNode | undefined {
    const ahead = path.split('/').toReversed()
    const behind = [this.root]
    for (let links = 0; ahead.length > 0;) {
      const part = ahead.pop()!
      if (part === '' || part === '.') continue
      if (part === '..') {
        if (behind.length > 1) behind.pop()
        continue
      }
      const here = behind.at(-1)!
      let next = here.children.get(part)
      if (next === undefined) {
        if (!makes) return undefined
        next = emptyDirectory()
        here.children.set(part, next)
        this.#onTouch?.(here, part)
      }
      if (next.type === 'symlink') {
        if (++links > MAX_LINKS_FOLLOWED) throw invalid('its path leads through too many links')
        if (next.target.startsWith('/')) behind.length = 1
        const parts = next.target.split('/').toReversed()
        this.#count(parts.length)
        ahead.push(...parts)
      } else if (next.type === 'directory') {
        behind.push(next)
        if (behind.length > MAX_DEPTH) throw invalid(`it lies more than ${MAX_DEPTH} folders deep`)
      } else if (makes) throw invalid(`${quote(part)} in its path is not a directory`)
      else return undefined
    }
    return behind.at(-1)!
  }

  #count(steps: number): void {
    this.#steps += steps
    if (this.#steps > MAX_STEPS) throw invalid('the image has too many links or whiteouts')
  }

  #markOwn(parent: FsNode, name: string): void {
    if (this.#own === undefined) return
    const names = this.#own.get(parent)
    if (names) names.add(name)
    else this.#own.set(parent, new Set([name]))
  }

  /** Removes what layers below have put at a name; directories that hold own entries stay with those. */
  #removeLower(parent: FsNode, name: string, own: Map<FsNode, Set<string>>): void {
    const node = parent.children.get(name)
    if (node === undefined) return
    this.#count(1)
    this.#onTouch?.(parent, name)
    const isOwn = own.get(parent)?.has(name) === true
    if (node.type === 'directory' && own.size > 0) {
      for (const child of [...node.children.keys()]) this.#removeLower(node, child, own)
      if (node.children.size > 0 && !isOwn) setMetadata(node, emptyDirectory())
      else if (!isOwn) parent.children.delete(name)
    } else if (!isOwn) parent.children.delete(name)
  }
}

function emptyDirectory(): FsNode {
  return {
    type: 'directory',
    mode: 0o755,
    uid: 0,
    gid: 0,
    mtime: 0,
    mtimeNs: 0,
    size: 0,
    layer: 0,
    offset: 0,
    target: '',
    major: 0,
    minor: 0,
    xattrs: noXattrs,
    children: new Map(),
  }
}

function setMetadata(
  node: FsNode,
  from: Pick<Entry, 'mode' | 'uid' | 'gid' | 'mtime' | 'mtimeNs' | 'xattrs'>,
): void {
  node.mode = from.mode
  node.uid = from.uid
  node.gid = from.gid
  node.mtime = from.mtime
  node.mtimeNs = from.mtimeNs
  node.xattrs = allowed(from.xattrs)
}

function allowed(xattrs: ReadonlyMap<string, Uint8Array>): ReadonlyMap<string, Uint8Array> {
  if (xattrs.size === 0) return noXattrs
  const kept = [...xattrs].filter(([name]) => !name.startsWith('trusted.'))
  return kept.length === xattrs.size ? xattrs : new Map(kept)
}

const invalid = (why: string): MicrovmError => new MicrovmError('IMAGE_INVALID', why)
