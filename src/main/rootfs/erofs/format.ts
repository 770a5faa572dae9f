// SPDX-License-Identifier: Apache-2.0
// EROFS on disk, the part of it that this project writes (the kernel's fs/erofs/erofs_fs.h and
// erofs.docs.kernel.org, "Core on-disk format"): superblock, extended inodes, numbers. Little endian.
import type { FsNode } from '../../image/tree/fs-tree'
import { crc32c } from './crc32c'

export const BLOCK_SIZE = 4096
/** Inodes begin at multiples of this many bytes; a node number (nid) counts in it. */
export const SLOT_SIZE = 32
/** An extended inode: 64-bit size, 32-bit owners, its own mtime. The compact one has none of them. */
export const INODE_SIZE = 64
export const DIRENT_SIZE = 12
export const NAME_BYTES_MAX = 255

/** How an inode's content is stored: all of it in blocks of its own, or its last part behind the inode. */
export const FLAT_PLAIN = 0
export const FLAT_INLINE = 2

const SUPERBLOCK_OFFSET = 1024
const MAGIC = 0xe0f5e1e2
const COMPAT_CHECKSUM = 0x1
const COMPAT_MTIME = 0x2
const BLOCK_BITS = 12
const EXTENDED_INODE = 1
const UINT32 = 2 ** 32

/** The type bits of st_mode, and the type a directory entry carries (FT_* of the kernel). */
const types: Record<FsNode['type'], { readonly mode: number; readonly dirent: number }> = {
  file: { mode: 0o100000, dirent: 1 },
  directory: { mode: 0o040000, dirent: 2 },
  char: { mode: 0o020000, dirent: 3 },
  block: { mode: 0o060000, dirent: 4 },
  fifo: { mode: 0o010000, dirent: 5 },
  socket: { mode: 0o140000, dirent: 6 },
  symlink: { mode: 0o120000, dirent: 7 },
}

export const direntType = (type: FsNode['type']): number => types[type].dirent

/** The multiple of `unit` (a power of two or not) that is not below `size`. */
export const roundUp = (size: number, unit: number): number => Math.ceil(size / unit) * unit

export interface InodeFields {
  readonly node: FsNode
  /** Content bytes: a file's size, a directory's blocks, a symlink's text. */
  readonly size: number
  readonly layout: typeof FLAT_PLAIN | typeof FLAT_INLINE
  /** Bytes of the xattr area that follows the inode: 0, or 12 and more, a multiple of 4. */
  readonly xattrSize: number
  /** First block of the content that is not inline; the device number of a device. */
  readonly blockOrDevice: number
  /** What a 32-bit stat shows; from 1 up. */
  readonly ino: number
  readonly links: number
}

/** Writes the 64 bytes of an extended inode into zeroed bytes. */
export function writeInode(out: Buffer, at: number, fields: InodeFields): void {
  const { node } = fields
  out.writeUInt16LE(EXTENDED_INODE | (fields.layout << 1), at)
  // 12 bytes of header count as one, then units of 4.
  out.writeUInt16LE(fields.xattrSize === 0 ? 0 : (fields.xattrSize - 12) / 4 + 1, at + 2)
  out.writeUInt16LE(types[node.type].mode | node.mode, at + 4)
  writeInt64(out, fields.size, at + 8)
  out.writeUInt32LE(fields.blockOrDevice, at + 16)
  out.writeUInt32LE(fields.ino, at + 20)
  out.writeUInt32LE(node.uid, at + 24)
  out.writeUInt32LE(node.gid, at + 28)
  writeInt64(out, node.mtime, at + 32)
  out.writeUInt32LE(node.mtimeNs, at + 40)
  out.writeUInt32LE(fields.links, at + 44)
}

/** Any safe integer as 64 bits, two's complement. */
export function writeInt64(out: Buffer, value: number, at: number): void {
  const high = Math.floor(value / UINT32)
  out.writeUInt32LE(value - high * UINT32, at)
  out.writeInt32LE(high, at + 4)
}

/** The kernel's 32-bit device number: 12 bits of major, 20 of minor, the minor's low byte lowest. */
export function deviceNumber(major: number, minor: number): number {
  return ((minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12)) >>> 0
}

/**
 * Block 0 of an image.
 * @param uuid 16 bytes
 * @param blocks of the whole disk, layers' data included
 */
export function superblock(fields: {
  rootNid: number
  inodes: number
  blocks: number
  uuid: Uint8Array
}): Buffer {
  const block = Buffer.alloc(BLOCK_SIZE)
  const at = SUPERBLOCK_OFFSET
  block.writeUInt32LE(MAGIC, at)
  block.writeUInt32LE(COMPAT_CHECKSUM | COMPAT_MTIME, at + 8)
  block.writeUInt8(BLOCK_BITS, at + 12)
  block.writeUInt16LE(fields.rootNid, at + 14)
  writeInt64(block, fields.inodes, at + 16)
  block.writeUInt32LE(fields.blocks, at + 36)
  block.set(fields.uuid.subarray(0, 16), at + 48)
  // Over the rest of the block, with the checksum's own field 0.
  block.writeUInt32LE(crc32c(block.subarray(at)), at + 4)
  return block
}
