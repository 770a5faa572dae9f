// SPDX-License-Identifier: Apache-2.0
// Small self-contained EROFS images (the config drive): the same writer, with the files' data
// behind the metadata in the same buffer, as if it were a layer's.
import { MicrovmError } from '../../../contract/errors'
import type { FsNode } from '../../image/tree/fs-tree'
import { nameProblem } from './directory'
import { encodeMetadata } from './erofs-image'
import { BLOCK_SIZE, roundUp } from './format'
import { layOutErofs } from './layout'

/** It is held in memory, twice while it is written to a file. */
const CONTENT_BYTES_MAX = 256 * 1024 * 1024

/** One object of a small self-contained EROFS image. */
export interface InlineEntry {
  /**
   * Inside the root, no leading or trailing slash, no '.', '..' or empty part; '' is the root itself.
   * Missing parents are made, root-owned, 0755.
   */
  path: string
  type: 'file' | 'directory' | 'symlink'
  /** Permission bits with setuid, setgid, sticky: 0 to 0o7777. */
  mode: number
  /** 0 when not given. */
  uid?: number
  /** 0 when not given. */
  gid?: number
  /** Of a file; empty when not given. */
  content?: Uint8Array
  /** Of a symlink: 1 to 4095 bytes. */
  target?: string
}

/**
 * The tree of some entries, all times 0; their order does not matter.
 * @returns its root, and the bytes of each file that has any, in the order of their paths
 * @throws INVALID_ARGUMENT for a bad or doubled path
 */
export function inlineTree(entries: readonly InlineEntry[]): {
  root: FsNode
  contents: Map<FsNode, Uint8Array>
} {
  const nodes = new Map<string, FsNode>([
    ['', newNode({ path: '', type: 'directory', mode: 0o755 })],
  ])
  const contents = new Map<FsNode, Uint8Array>()
  for (const entry of entries.toSorted((a, b) => (a.path < b.path ? -1 : 1))) {
    const node = newNode(entry)
    if (node.size > 0) contents.set(node, entry.content!)
    place(nodes, entry.path, node)
  }
  return { root: nodes.get('')!, contents }
}

/**
 * The bytes of an EROFS image that holds the entries.
 * @throws INVALID_ARGUMENT for a bad or doubled path, or more than 256 MiB; IMAGE_INVALID for what
 *   EROFS cannot hold
 */
export function buildErofs(entries: readonly InlineEntry[]): Uint8Array {
  const { root, contents } = inlineTree(entries)
  let dataSize = 0
  for (const node of contents.keys()) {
    node.offset = dataSize
    dataSize += roundUp(node.size, BLOCK_SIZE)
  }
  if (dataSize > CONTENT_BYTES_MAX)
    throw new MicrovmError('INVALID_ARGUMENT', 'more than 256 MiB of files for a small disk')

  const layer = { diffId: '', dataPath: '', dataSize }
  const layout = layOutErofs({ root, layers: [layer] })
  const image = new Uint8Array(layout.blocks * BLOCK_SIZE)
  for (const { position, bytes } of encodeMetadata(layout)) image.set(bytes, position)
  let position = layout.metadataBlocks * BLOCK_SIZE
  for (const content of contents.values()) {
    image.set(content, position)
    position += roundUp(content.length, BLOCK_SIZE)
  }
  return image
}

function newNode(entry: InlineEntry): FsNode {
  return {
    type: entry.type,
    mode: entry.mode,
    uid: entry.uid ?? 0,
    gid: entry.gid ?? 0,
    mtime: 0,
    mtimeNs: 0,
    size: entry.type === 'file' ? (entry.content?.length ?? 0) : 0,
    layer: 0,
    offset: 0,
    target: entry.target ?? '',
    major: 0,
    minor: 0,
    xattrs: new Map(),
    children: new Map(),
  }
}

/** Links a node into the tree. Entries come sorted, so a parent that is missing now stays missing. */
function place(nodes: Map<string, FsNode>, path: string, node: FsNode): void {
  const refuse = (problem: string): MicrovmError =>
    new MicrovmError('INVALID_ARGUMENT', `small disk: '${path}' ${problem}`)
  if (path === '') {
    if (node.type !== 'directory') throw refuse('is the root and must be a directory')
    nodes.set('', node)
    return
  }
  if (nodes.has(path)) throw refuse('is there twice')
  const cut = path.lastIndexOf('/')
  const name = path.slice(cut + 1)
  const problem = nameProblem(name)
  if (problem !== undefined) throw refuse(`has a name that ${problem}`)
  const parentPath = cut < 0 ? '' : path.slice(0, cut)
  if (cut === 0) throw refuse('begins with a slash')
  if (!nodes.has(parentPath))
    place(nodes, parentPath, newNode({ path: parentPath, type: 'directory', mode: 0o755 }))
  const parent = nodes.get(parentPath)!
  if (parent.type !== 'directory') throw refuse('lies in something that is no directory')
  parent.children.set(name, node)
  nodes.set(path, node)
}
