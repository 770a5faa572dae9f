// SPDX-License-Identifier: Apache-2.0
// Where everything of an image goes, decided before a byte is written: block 0 the superblock, then
// the inodes with their xattrs and short contents, then the blocks of large directories and
// symlinks; those are the metadata. After them, the layers' data as it is.
import { MicrovmError } from '../../../contract/errors'
import type { FsNode, FsTree, LayerData } from '../../image/tree/fs-tree'
import { nameProblem, planDirectory, sortedNames, type DirectoryPlan } from './directory'
import { BLOCK_SIZE, INODE_SIZE, SLOT_SIZE, roundUp } from './format'
import { encodeXattrs } from './xattrs'

/** Bounds the memory of a build; well below what a JavaScript Map holds (2^24). */
const INODES_MAX = 10_000_000
/** Block addresses are 32 bits and all ones means none: 16 TiB. */
const BLOCKS_MAX = 0xffff_ffff
const UINT32_MAX = 0xffff_ffff

export interface PlacedInode {
  readonly node: FsNode
  readonly directory: DirectoryPlan | undefined
  readonly xattrs: Buffer
  /** Bytes of content: of a directory its blocks, of a symlink its text. */
  readonly size: number
  /** Directory entries that name it; a directory also counts its own '.' and its children's '..'. */
  links: number
  /** Byte position; a multiple of the slot size. */
  position: number
  nid: number
  /** Bytes of content right behind inode and xattrs, the last ones of it; 0 for files. */
  inlineSize: number
  /** First block of the content that is not inline, 0 if there is none. */
  block: number
}

export interface ErofsLayout {
  /** The root first, then each directory's children together. */
  readonly inodes: readonly PlacedInode[]
  /** Blocks before the first layer's data. */
  readonly metadataBlocks: number
  /** Blocks of the whole disk. */
  readonly blocks: number
  /** Names of extended attributes that had to be left out. */
  readonly droppedXattrs: ReadonlySet<string>
}

/**
 * Lays an image out. Time and memory grow with the number of inodes; no content is read.
 * @throws IMAGE_INVALID for what EROFS or Linux cannot hold, IMAGE_TOO_LARGE beyond its bounds
 */
export function layOutErofs(tree: FsTree): ErofsLayout {
  const droppedXattrs = new Set<string>()
  const inodes = collectInodes(tree, droppedXattrs)
  const metadataBlocks = placeMetadata(inodes)
  const layerBlocks: number[] = []
  let blocks = metadataBlocks
  for (const layer of tree.layers) {
    layerBlocks.push(blocks)
    blocks += layer.dataSize / BLOCK_SIZE
  }
  if (blocks > BLOCKS_MAX)
    throw new MicrovmError('IMAGE_TOO_LARGE', 'the image has more than 16 TiB of files')
  for (const inode of inodes) {
    const { node } = inode
    if (node.type === 'file' && node.size > 0)
      inode.block = layerBlocks[node.layer]! + node.offset / BLOCK_SIZE
  }
  return { inodes, metadataBlocks, blocks, droppedXattrs }
}

/** Every inode once, breadth first, so that what `ls -l` touches lies together. */
function collectInodes(tree: FsTree, droppedXattrs: Set<string>): PlacedInode[] {
  const inodes: PlacedInode[] = []
  const parents = [0]
  const indexes = new Map<FsNode, number>()
  const found: FsNode[] = [tree.root]
  indexes.set(tree.root, 0)
  for (let index = 0; index < found.length; index++) {
    const node = found[index]!
    const problem = nodeProblem(node, tree.layers)
    if (problem !== undefined) throw invalid(tree.root, node, problem)
    let directory: DirectoryPlan | undefined
    if (node.type === 'directory') {
      checkNames(tree.root, node)
      const names = sortedNames(node.children.keys())
      const targets = names.map((name) => {
        if (name === '.') return index
        if (name === '..') return parents[index]!
        const child = node.children.get(name)!
        const known = indexes.get(child)
        if (known !== undefined && child.type !== 'directory') return known
        if (known !== undefined) throw invalid(tree.root, child, 'a directory with two parents')
        if (found.length >= INODES_MAX)
          throw new MicrovmError('IMAGE_TOO_LARGE', `the image has more than ${INODES_MAX} files`)
        indexes.set(child, found.length)
        parents.push(index)
        return found.push(child) - 1
      })
      directory = planDirectory(names, targets)
    }
    inodes.push(newInode(tree.root, node, directory, droppedXattrs))
  }
  // The root has no entry in a parent: its own '..' stands for that.
  for (const { directory } of inodes)
    for (const target of directory?.targets ?? []) inodes[target]!.links += 1
  return inodes
}

function checkNames(root: FsNode, directory: FsNode): void {
  for (const name of directory.children.keys()) {
    const problem = nameProblem(name)
    if (problem !== undefined) throw invalid(root, directory, `a name in it ${problem}: ${name}`)
  }
}

function newInode(
  root: FsNode,
  node: FsNode,
  directory: DirectoryPlan | undefined,
  droppedXattrs: Set<string>,
): PlacedInode {
  const xattrs = (() => {
    try {
      return encodeXattrs(node.xattrs)
    } catch (error) {
      throw invalid(root, node, (error as Error).message)
    }
  })()
  for (const name of xattrs.dropped) droppedXattrs.add(name)
  const size =
    directory?.size ?? (node.type === 'symlink' ? Buffer.byteLength(node.target) : node.size)
  return {
    node,
    directory,
    xattrs: xattrs.bytes,
    size,
    links: 0,
    position: 0,
    nid: 0,
    inlineSize: 0,
    block: 0,
  }
}

/** Gives every inode its position and returns the number of blocks that all metadata takes. */
function placeMetadata(inodes: readonly PlacedInode[]): number {
  let position = BLOCK_SIZE
  const outside: PlacedInode[] = []
  for (const inode of inodes) {
    const { type } = inode.node
    const head = INODE_SIZE + inode.xattrs.length
    if (type === 'directory' || type === 'symlink') {
      // The kernel wants inline content within one block; keep inode and xattrs in the same one.
      const tail = inode.size % BLOCK_SIZE
      if (head + tail <= BLOCK_SIZE) inode.inlineSize = tail
      if (inode.size > inode.inlineSize) outside.push(inode)
    }
    const unbroken = inode.inlineSize > 0 ? head + inode.inlineSize : INODE_SIZE
    if ((position % BLOCK_SIZE) + unbroken > BLOCK_SIZE) position = roundUp(position, BLOCK_SIZE)
    inode.position = position
    inode.nid = position / SLOT_SIZE
    position = roundUp(position + head + inode.inlineSize, SLOT_SIZE)
  }
  let block = Math.ceil(position / BLOCK_SIZE)
  for (const inode of outside) {
    inode.block = block
    block += Math.ceil((inode.size - inode.inlineSize) / BLOCK_SIZE)
  }
  return block
}

/** What keeps a node from being stored, or undefined. */
function nodeProblem(node: FsNode, layers: readonly LayerData[]): string | undefined {
  const { type } = node
  if (!isCount(node.mode, 0o7777)) return `mode ${node.mode}`
  if (!isCount(node.uid, UINT32_MAX) || !isCount(node.gid, UINT32_MAX))
    return `owner ${node.uid}:${node.gid}`
  if (!Number.isSafeInteger(node.mtime) || !isCount(node.mtimeNs, 999_999_999))
    return `modification time ${node.mtime}.${node.mtimeNs}`
  // Linux device numbers: 12 bits of major, 20 of minor.
  if (
    (type === 'char' || type === 'block') &&
    !(isCount(node.major, 0xfff) && isCount(node.minor, 0xfffff))
  )
    return `device number ${node.major}:${node.minor}`
  if (type === 'symlink') {
    const size = Buffer.byteLength(node.target)
    if (size === 0 || size >= BLOCK_SIZE || node.target.includes('\0')) return 'symlink target'
  }
  if (type !== 'file')
    return node.size === 0 || type === 'symlink' ? undefined : `size ${node.size}`
  if (!isCount(node.size, Number.MAX_SAFE_INTEGER)) return `size ${node.size}`
  if (node.size === 0) return undefined
  const { dataSize } = layers[node.layer] ?? { dataSize: 0 }
  const inside =
    isCount(node.offset, dataSize) && node.offset + roundUp(node.size, BLOCK_SIZE) <= dataSize
  return inside && node.offset % BLOCK_SIZE === 0 ? undefined : 'its data is outside its layer'
}

const isCount = (value: number, max: number): boolean =>
  Number.isSafeInteger(value) && value >= 0 && value <= max

function invalid(root: FsNode, node: FsNode, problem: string): MicrovmError {
  return new MicrovmError('IMAGE_INVALID', `cannot store /${pathOf(root, node) ?? ''}: ${problem}`)
}

/** Only for messages: searches the whole tree. */
function pathOf(root: FsNode, wanted: FsNode): string | undefined {
  const seen = new Set<FsNode>([root])
  const queue: [string, FsNode][] = [['', root]]
  for (const [path, node] of queue) {
    if (node === wanted) return path
    for (const [name, child] of node.children) {
      if (seen.has(child)) continue
      seen.add(child)
      queue.push([path === '' ? name : `${path}/${name}`, child])
    }
  }
  return undefined
}
