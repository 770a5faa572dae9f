// SPDX-License-Identifier: Apache-2.0
// What is no raw disk, though it may be offered as one: told by its first bytes, refused by name.
import { MicrovmError } from '../../../contract/errors'
import { compressionKind } from '../compression/compression-kind'

/** Bytes from the start that tell every kind. */
export const FORMAT_HEAD_BYTES = 512

const convert = (format: string): string =>
  `Convert it: qemu-img convert -f ${format} -O raw IMAGE disk.img, then microvm disk import disk.img.`
const unpack = 'Unpack it, then: microvm disk import FILE.'

interface Format {
  readonly name: string
  readonly offset: number
  readonly magic: Buffer
  readonly hint: string
}

const format = (name: string, magic: string, hint: string, offset = 0): Format => ({
  name,
  offset,
  magic: Buffer.from(magic, 'latin1'),
  hint,
})

/** From QEMU's block drivers; POSIX pax ("ustar"); PKWARE's APPNOTE; 7zFormat.txt. */
const formats: readonly Format[] = [
  format('a qcow2 image', 'QFI\xfb', convert('qcow2')),
  format('a QED image', 'QED\0', convert('qed')),
  format('a VMDK image', 'KDMV', convert('vmdk')),
  format('a VMDK image', 'COWD', convert('vmdk')),
  format('the descriptor of a VMDK image', '# Disk DescriptorFile', convert('vmdk')),
  format('a VHD image', 'conectix', convert('vpc')),
  format('a VHDX image', 'vhdxfile', convert('vhdx')),
  format('a VDI image', '\x7f\x10\xda\xbe', convert('vdi'), 64),
  format('a tar archive', 'ustar', unpack, 257),
  format('a zip archive', 'PK\x03\x04', unpack),
  format('an empty zip archive', 'PK\x05\x06', unpack),
  format('a 7z archive', '7z\xbc\xaf\x27\x1c', unpack),
  format('a RAR archive', 'Rar!\x1a\x07', unpack),
  format('compressed with lz4', '\x04\x22\x4d\x18', unpack),
  format('compressed with lzip', 'LZIP', unpack),
]

/** @param head the first `FORMAT_HEAD_BYTES` of what was unpacked @throws IMAGE_INVALID for what is no raw disk */
export function refuseOtherFormats(head: Buffer): void {
  const found = formats.find(({ offset, magic }) =>
    head.subarray(offset, offset + magic.length).equals(magic),
  )
  if (found) throw refused(found.name, found.hint)
  const twice = compressionKind(head)
  if (twice !== undefined) throw refused(`compressed twice, inside with ${twice}`, unpack)
  if (/^\s*<(?:!doctype\s+html|html)\b/i.test(head.toString('latin1')))
    throw refused(
      'a web page',
      'Open the address in a browser: it may ask for a login, or the file may have moved.',
    )
}

/** @param tail the last 512 bytes: a VHD of fixed size has its mark there */
export function refuseOtherTails(tail: Buffer): void {
  if (tail.toString('latin1', 0, 8) === 'conectix') throw refused('a VHD image', convert('vpc'))
}

const refused = (what: string, hint: string): MicrovmError =>
  new MicrovmError('IMAGE_INVALID', `it is ${what}, not a raw disk`, { hint })
