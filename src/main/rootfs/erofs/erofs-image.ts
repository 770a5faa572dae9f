// SPDX-License-Identifier: Apache-2.0
// Writes EROFS metadata: a file system whose files' data is not copied but pointed at, in the
// layers' data that follows the metadata on the same disk. It reads no content, compresses
// nothing, and shares no xattrs. The same tree always gives the same bytes: nothing of the
// clock or the host goes in, and the UUID is a hash of the rest.
import { createHash } from 'node:crypto'
import { writeDirectoryBlock } from './directory'
import {
  BLOCK_SIZE,
  FLAT_INLINE,
  FLAT_PLAIN,
  INODE_SIZE,
  deviceNumber,
  superblock,
  writeInode,
} from './format'
import type { ErofsLayout, PlacedInode } from './layout'

/** More than the largest inode with its xattrs and inline content (some 260 KiB). */
const WINDOW_SIZE = 1024 * 1024

export interface MetadataPart {
  /** Byte position in the image. */
  readonly position: number
  /** Valid until the next part is asked for. */
  readonly bytes: Uint8Array
}

/** The metadata in parts, back to back from block 1 on; block 0 comes last. */
export function* encodeMetadata(layout: ErofsLayout): Generator<MetadataPart> {
  const hash = createHash('sha256')
  for (const part of encodeBody(layout)) {
    hash.update(part.bytes)
    yield part
  }
  const { inodes, blocks } = layout
  const fields = { rootNid: inodes[0]!.nid, inodes: inodes.length, blocks }
  hash.update(superblock({ ...fields, uuid: new Uint8Array(16) }))
  const uuid = hash.digest().subarray(0, 16)
  // Version 8, variant 1: a UUID whose bits mean nothing but themselves (RFC 9562, 5.8).
  uuid[6] = (uuid[6]! & 0x0f) | 0x80
  uuid[8] = (uuid[8]! & 0x3f) | 0x80
  yield { position: 0, bytes: superblock({ ...fields, uuid }) }
}

function* encodeBody({ inodes, metadataBlocks }: ErofsLayout): Generator<MetadataPart> {
  const window = new MetadataWindow()
  for (let index = 0; index < inodes.length; index++) {
    const inode = inodes[index]!
    const { position } = inode
    const length = INODE_SIZE + inode.xattrs.length + inode.inlineSize
    if (!window.holds(position, length)) {
      yield window.upTo(position)
      window.moveTo(position)
    }
    writeInodeArea(window.bytes, position - window.start, index, inodes)
  }
  for (const inode of inodes) {
    if (inode.node.type === 'file' || inode.size === inode.inlineSize) continue
    const blocks = Math.ceil((inode.size - inode.inlineSize) / BLOCK_SIZE)
    for (let block = 0; block < blocks; block++) {
      const position = (inode.block + block) * BLOCK_SIZE
      if (!window.holds(position, BLOCK_SIZE)) {
        yield window.upTo(position)
        window.moveTo(position)
      }
      writeContent(window.bytes, position - window.start, inode, block, inodes)
    }
  }
  yield window.upTo(metadataBlocks * BLOCK_SIZE)
}

/** An inode, its xattrs, and the end of its content if that is inline. */
function writeInodeArea(
  out: Buffer,
  at: number,
  index: number,
  inodes: readonly PlacedInode[],
): void {
  const inode = inodes[index]!
  const { node, xattrs, inlineSize } = inode
  const isDevice = node.type === 'char' || node.type === 'block'
  writeInode(out, at, {
    node,
    size: inode.size,
    layout: inlineSize > 0 ? FLAT_INLINE : FLAT_PLAIN,
    xattrSize: xattrs.length,
    blockOrDevice: isDevice ? deviceNumber(node.major, node.minor) : inode.block,
    ino: index + 1,
    links: inode.links,
  })
  out.set(xattrs, at + INODE_SIZE)
  if (inlineSize > 0) {
    const lastBlock = (inode.size - inlineSize) / BLOCK_SIZE
    writeContent(out, at + INODE_SIZE + xattrs.length, inode, lastBlock, inodes)
  }
}

/** A directory's block, or a symlink's text, which is never longer than one. */
function writeContent(
  out: Buffer,
  at: number,
  inode: PlacedInode,
  block: number,
  inodes: readonly PlacedInode[],
): void {
  if (inode.directory === undefined) out.write(inode.node.target, at)
  else writeDirectoryBlock(out, at, inode.directory, block, inodes)
}

/** The stretch of the metadata that is being written; zeros where nothing was. */
class MetadataWindow {
  // A block to spare: the end of the metadata is rounded up to a whole one.
  readonly bytes = Buffer.alloc(WINDOW_SIZE + BLOCK_SIZE)
  start = BLOCK_SIZE

  holds(position: number, length: number): boolean {
    return position + length <= this.start + WINDOW_SIZE
  }

  upTo(position: number): MetadataPart {
    return { position: this.start, bytes: this.bytes.subarray(0, position - this.start) }
  }

  moveTo(position: number): void {
    this.bytes.fill(0)
    this.start = position
  }
}
