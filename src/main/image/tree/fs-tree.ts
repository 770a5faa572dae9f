// SPDX-License-Identifier: Apache-2.0
// The one tree of an image: what applying its layers bottom to top leaves (image-spec, layer.md).
// It names files by (layer, offset), holds no file content, and never touches the host's files.
import { setImmediate } from 'node:timers/promises'
import { MicrovmError } from '../../../contract/errors'
import type { Entry } from './entry'
import { TreeBuilder } from './tree-builder'

/** An inode. Hard links are several directory entries that hold the same node object. */
export interface FsNode {
  readonly type: Exclude<Entry['type'], 'hardlink'>
  mode: number
  uid: number
  gid: number
  mtime: number
  mtimeNs: number
  size: number
  /** Of a file with content: index into FsTree.layers, and byte offset in that layer's data file. */
  layer: number
  offset: number
  /** Of a symlink. */
  target: string
  major: number
  minor: number
  xattrs: ReadonlyMap<string, Uint8Array>
  /** Of a directory. */
  readonly children: Map<string, FsNode>
}

/** A layer the tree points into: its data file on this host, and that file's size in bytes (a multiple of 4096). */
export interface LayerData {
  readonly diffId: string
  readonly dataPath: string
  readonly dataSize: number
}

export interface FsTree {
  readonly root: FsNode
  readonly layers: readonly LayerData[]
}

/** A layer with what its index lists. */
export interface LayerContent {
  readonly data: LayerData
  readonly hasWhiteouts: boolean
  list(): Iterable<Entry>
}

/** The event loop gets its turn after so many entries (some tens of milliseconds). */
const ENTRIES_AT_A_TIME = 10_000
const BUNDLE = '.microvm'

/**
 * Applies layers bottom to top (tree-builder.ts has the rules).
 * @returns a tree whose `layers` are those that it takes any content from
 * @throws IMAGE_INVALID, with layer and entry in the message; AbortError
 */
export async function buildFsTree(
  layers: readonly LayerContent[],
  signal?: AbortSignal,
): Promise<FsTree> {
  const builder = new TreeBuilder()
  for (const [index, layer] of layers.entries()) {
    // The bottom layer has nothing below it to remove.
    builder.beginLayer(index, index > 0 && layer.hasWhiteouts)
    try {
      await applyAll(builder, layer.list(), signal)
    } catch (error) {
      throw MicrovmError.inContext(`layer ${index + 1} of ${layers.length}`, error)
    }
  }
  return withUsedLayers(
    builder.root,
    layers.map(({ data }) => data),
  )
}

/** A tree of nothing but its root. */
export function emptyTree(): FsTree {
  return { root: new TreeBuilder().root, layers: [] }
}

/**
 * Puts a layer's entries, all of them below .microvm, into a tree in place of what it has there.
 * @returns a new tree; the nodes outside .microvm are those of the old one
 * @throws IMAGE_INVALID for an entry that is elsewhere
 */
export async function graftBundle(tree: FsTree, layer: LayerContent): Promise<FsTree> {
  const root = { ...tree.root, children: new Map(tree.root.children) }
  root.children.delete(BUNDLE)
  const builder = new TreeBuilder(root)
  builder.beginLayer(tree.layers.length, false)
  await applyAll(builder, insideBundle(layer.list()))
  return { root, layers: [...tree.layers, layer.data] }
}

function* insideBundle(entries: Iterable<Entry>): Generator<Entry, void> {
  for (const entry of entries) {
    if (entry.path === '') continue
    if (entry.path !== BUNDLE && !entry.path.startsWith(`${BUNDLE}/`))
      throw new MicrovmError('IMAGE_INVALID', `the guest bundle has an entry outside of ${BUNDLE}`)
    yield entry
  }
}

async function applyAll(
  builder: TreeBuilder,
  entries: Iterable<Entry>,
  signal?: AbortSignal,
): Promise<void> {
  let count = 0
  for (const entry of entries) {
    builder.apply(entry)
    if (++count % ENTRIES_AT_A_TIME === 0) await setImmediate(undefined, signal ? { signal } : {})
  }
}

/** Leaves out layers that nothing is left of, and names each of the others once. */
function withUsedLayers(root: FsNode, layers: readonly LayerData[]): FsTree {
  const files = filesOf(root)
  const used = new Set<string>()
  for (const file of files) used.add(layers[file.layer]!.diffId)
  const kept = [...new Map(layers.map((layer) => [layer.diffId, layer])).values()].filter(
    ({ diffId }) => used.has(diffId),
  )
  const places = layers.map(({ diffId }) => kept.findIndex((layer) => layer.diffId === diffId))
  for (const file of files) file.layer = places[file.layer]!
  return { root, layers: kept }
}

/** Every file that has content, once each. */
function filesOf(root: FsNode): Set<FsNode> {
  const files = new Set<FsNode>()
  const ahead = [root]
  for (let node = ahead.pop(); node; node = ahead.pop()) {
    for (const child of node.children.values()) {
      if (child.type === 'directory') ahead.push(child)
      else if (child.size > 0) files.add(child)
    }
  }
  return files
}
