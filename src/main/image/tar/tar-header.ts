// SPDX-License-Identifier: Apache-2.0
// The 512-byte header block of a tar archive (POSIX.1-2008 pax, "ustar Interchange Format"; GNU tar
// manual, "Basic Tar Format"), decoded to bytes and numbers. Not done with the header class of the
// tar package: that one reads names as text, which loses bytes, and leaves out the device numbers of
// archives in GNU's format. Leniencies are those of Go's archive/tar, which Docker reads layers with.
import { MicrovmError } from '../../../contract/errors'

export const BLOCK = 512

export interface TarHeader {
  /** The type flag as a character; '\0' is the old form of '0'. */
  readonly flag: string
  /** Views into the block, or a copy where two fields are joined. Without the closing NUL. */
  readonly name: Buffer
  readonly linkName: Buffer
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly size: number
  readonly mtime: number
  readonly major: number
  readonly minor: number
}

/**
 * @param block at least 512 bytes from `at`
 * @returns undefined for a block of zeros
 * @throws IMAGE_INVALID for a wrong checksum or a field that is no number
 */
export function decodeTarHeader(block: Buffer, at: number): TarHeader | undefined {
  if (!checksumFits(block, at)) {
    if (isZero(block, at)) return undefined
    throw new MicrovmError('IMAGE_INVALID', 'no tar header where one must be (wrong checksum)')
  }
  const format = formatOf(block, at)
  const name = text(block, at, 100)
  const prefix =
    format === 'ustar'
      ? text(block, at + 345, 155)
      : format === 'star'
        ? text(block, at + 345, 131)
        : undefined
  const hasDevice = format !== 'v7'
  return {
    flag: String.fromCharCode(block[at + 156]!),
    name: prefix?.length ? Buffer.concat([prefix, Buffer.from('/'), name]) : name,
    linkName: text(block, at + 157, 100),
    mode: number(block, at + 100, 8, 'mode'),
    uid: number(block, at + 108, 8, 'uid'),
    gid: number(block, at + 116, 8, 'gid'),
    size: number(block, at + 124, 12, 'size'),
    mtime: number(block, at + 136, 12, 'mtime'),
    major: hasDevice ? number(block, at + 329, 8, 'device number') : 0,
    minor: hasDevice ? number(block, at + 337, 8, 'device number') : 0,
  }
}

const STAR_TRAILER = 'tar\0'

function formatOf(block: Buffer, at: number): 'ustar' | 'star' | 'gnu' | 'v7' {
  const magic = block.toString('latin1', at + 257, at + 265)
  if (magic === 'ustar  \0') return 'gnu'
  if (!magic.startsWith('ustar\0')) return 'v7'
  return block.toString('latin1', at + 508, at + 512) === STAR_TRAILER ? 'star' : 'ustar'
}

/** The sum of all bytes, those of the checksum field as spaces. Some old writers add signed bytes. */
function checksumFits(block: Buffer, at: number): boolean {
  let unsigned = 0
  let high = 0
  for (let i = at; i < at + BLOCK; i++) {
    const byte = block[i]!
    unsigned += byte
    high += byte >> 7
  }
  for (let i = at + 148; i < at + 156; i++) {
    const byte = block[i]!
    unsigned += 0x20 - byte
    high -= byte >> 7
  }
  const expected = octal(block, at + 148, 8)
  return expected === unsigned || expected === unsigned - 256 * high
}

function isZero(block: Buffer, at: number): boolean {
  for (let i = at; i < at + BLOCK; i++) if (block[i] !== 0) return false
  return true
}

function text(block: Buffer, at: number, length: number): Buffer {
  let end = at
  while (end < at + length && block[end] !== 0) end++
  return block.subarray(at, end)
}

function number(block: Buffer, at: number, length: number, field: string): number {
  const value = block[at]! & 0x80 ? base256(block, at, length) : octal(block, at, length)
  if (value === undefined || !Number.isSafeInteger(value))
    throw new MicrovmError('IMAGE_INVALID', `a tar header's ${field} is not a number`)
  return value
}

/** Octal digits between spaces and NULs; 0 if there are none, undefined if there is anything else. */
function octal(block: Buffer, at: number, length: number): number | undefined {
  let from = at
  let end = at + length
  while (from < end && isBlank(block[from]!)) from++
  while (end > from && isBlank(block[end - 1]!)) end--
  let value = 0
  for (let i = from; i < end && block[i] !== 0; i++) {
    const digit = block[i]! - 0x30
    if (digit < 0 || digit > 7) return undefined
    value = value * 8 + digit
  }
  return value
}

const isBlank = (byte: number): boolean => byte === 0x20 || byte === 0

/** GNU's form for large and negative numbers: big endian, two's complement below the top bit. */
function base256(block: Buffer, at: number, length: number): number {
  const negative = (block[at]! & 0x40) !== 0
  let value = negative ? (block[at]! & 0x7f) - 0x80 : block[at]! & 0x7f
  for (let i = at + 1; i < at + length; i++) value = value * 256 + block[i]!
  return value
}
