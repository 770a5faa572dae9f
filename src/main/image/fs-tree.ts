// SPDX-License-Identifier: Apache-2.0
// The one tree of an image: what applying its layers bottom to top leaves (image-spec, layer.md).
// It names files by (layer, offset), holds no file content, and never touches the host's files.
import type { Entry } from './entry'

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
