// SPDX-License-Identifier: Apache-2.0
// A VMDK descriptor: a text file that presents several files, back to back, as one disk
// (VMware's "Virtual Disk Format 1.1", sections 2 and 4).
import { MicrovmError } from '../../contract/errors'

const SECTOR_SIZE = 512
/** QEMU reads a file name of at most this many bytes, and a descriptor of at most 1 MiB. */
const NAME_BYTES_MAX = 511
const DESCRIPTOR_BYTES_MAX = 1024 * 1024 - 1

export interface Extent {
  /** Relative to the descriptor's folder, with forward slashes. */
  readonly file: string
  /** Bytes, a multiple of 512; all of the file. */
  readonly size: number
}

/**
 * The descriptor's text. QEMU and libkrun (imago) both join an extent's name to the descriptor's
 * folder, open it as raw bytes whatever they look like, and know only "RW" in a disk that is
 * opened read-only. imago refuses keys other than these and `ddb.*`.
 * @param formatVersion of what the extents hold; a comment for us, no one else reads it
 * @throws INVALID_ARGUMENT for a file name that the format cannot carry, IMAGE_TOO_LARGE for too many extents
 */
export function vmdkDescriptor(extents: readonly Extent[], formatVersion: number): string {
  const lines = extents
    .filter(({ size }) => size > 0)
    .map(({ file, size }) => {
      checkName(file)
      return `RW ${size / SECTOR_SIZE} FLAT "${file}" 0`
    })
  const text = [
    '# Disk DescriptorFile',
    `# microvm ${formatVersion}`,
    'version=1',
    'CID=fffffffe',
    'parentCID=ffffffff',
    'createType="twoGbMaxExtentFlat"',
    ...lines,
    'ddb.virtualHWVersion = "4"',
    'ddb.adapterType = "ide"',
    '',
  ].join('\n')
  if (Buffer.byteLength(text) > DESCRIPTOR_BYTES_MAX)
    throw new MicrovmError('IMAGE_TOO_LARGE', `${lines.length} layers do not fit one disk`)
  return text
}

/**
 * The extents of a descriptor that `vmdkDescriptor` made; empty ones are not among them.
 * @returns undefined if it is of another format version, or not one of ours
 */
export function readVmdkDescriptor(text: string, formatVersion: number): Extent[] | undefined {
  const extents = Array.from(
    text.matchAll(/^RW (\d+) FLAT "([^"\n]+)" 0$/gm),
    ([, sectors, file]): Extent => ({ file: file ?? '', size: Number(sectors) * SECTOR_SIZE }),
  )
  return text === vmdkDescriptor(extents, formatVersion) ? extents : undefined
}

function checkName(file: string): void {
  // A colon before the first slash would be read as a protocol ("nbd:…"); '../' keeps clear of it.
  const isSafe = !/["\p{Cc}]/u.test(file) && !/^[^/]*:/.test(file)
  if (isSafe && Buffer.byteLength(file) <= NAME_BYTES_MAX) return
  throw new MicrovmError('INVALID_ARGUMENT', `a disk cannot refer to the file ${file}`, {
    hint: 'Choose a data folder whose path is short and has no quotes or control characters.',
  })
}
