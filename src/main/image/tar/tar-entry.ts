// SPDX-License-Identifier: Apache-2.0
// One tar entry as the layer's index wants it: header, PAX records and GNU long names brought
// together, every bound checked, the path made one inside the root. Refusals name the entry.
import { isAscii, isUtf8 } from 'node:buffer'
import { MicrovmError } from '../../../contract/errors'
import { quote } from '../digest'
import type { Entry, EntryType } from '../tree/entry'
import { MAX_NAME_BYTES, MAX_PATH_BYTES, MAX_XATTR_BYTES } from '../limits'
import type { TarHeader } from './tar-header'
import type { PaxRecords } from './tar-pax'

/** An entry that has no place in a data file yet. */
export type TarEntry = Omit<Entry, 'offset'>

/** What came before the header and belongs to it. */
export interface TarExtras {
  readonly pax?: PaxRecords | undefined
  readonly longName?: Buffer | undefined
  readonly longLink?: Buffer | undefined
}

const types: Partial<Record<string, EntryType>> = {
  '\0': 'file',
  '0': 'file',
  '7': 'file', // "contiguous": POSIX lets it be taken as a plain one
  '1': 'hardlink',
  '2': 'symlink',
  '3': 'char',
  '4': 'block',
  '5': 'directory',
  '6': 'fifo',
}
/** Linux's dev_t: 12 bits of major, 20 of minor (kdev_t.h). */
const MAX_MAJOR = 0xfff
const MAX_MINOR = 0xfffff
/** (uid_t)-1 means "no one" to the kernel. */
const MAX_ID = 0xffff_fffe
const noXattrs: ReadonlyMap<string, Uint8Array> = new Map()

/** @throws IMAGE_INVALID, with the entry's name in the message */
export function toEntry(header: TarHeader, extras: TarExtras): TarEntry {
  const { pax } = extras
  const name = extras.longName ?? pax?.path ?? header.name
  try {
    const type = typeOf(header, name, pax)
    const isLink = type === 'symlink' || type === 'hardlink'
    const link = isLink ? (extras.longLink ?? pax?.linkPath ?? header.linkName) : undefined
    const path = insideRoot(decodeName(name))
    if (path === '' && type !== 'directory') throw invalid('it would replace the root directory')
    const isDevice = type === 'char' || type === 'block'
    return {
      path,
      type,
      // Linux knows no other mode of a link, whatever an archive says.
      mode: type === 'symlink' ? 0o777 : header.mode & 0o7777,
      uid: within(pax?.uid ?? header.uid, MAX_ID, 'owner'),
      gid: within(pax?.gid ?? header.gid, MAX_ID, 'group'),
      mtime: pax?.mtime ?? header.mtime,
      mtimeNs: pax?.mtimeNs ?? 0,
      size: type === 'file' ? contentSize(header, extras) : 0,
      target: link === undefined ? '' : linkTarget(type, link),
      major: isDevice ? within(header.major, MAX_MAJOR, 'major device number') : 0,
      minor: isDevice ? within(header.minor, MAX_MINOR, 'minor device number') : 0,
      xattrs: checkXattrs(pax?.xattrs),
    }
  } catch (error) {
    throw MicrovmError.inContext(`entry ${quote(name.toString('latin1', 0, 300))}`, error)
  }
}

/** Bytes of content that follow the header: only files have any, whatever a header says (as in Go). */
export function contentSize(header: TarHeader, { pax }: TarExtras): number {
  const size = pax?.size ?? header.size
  if (size < 0) throw invalid('its size is negative')
  return size
}

export const isFile = ({ flag }: TarHeader): boolean => types[flag] === 'file'

/**
 * A path of an archive as one inside the root: no '.', '..' or empty part, '' for the root itself.
 * As in Docker, '..' cannot climb above "/", and a relative path that tries to is refused.
 */
export function insideRoot(path: string): string {
  if (!/(?:^|\/)(?:\.{0,2}(?:\/|$))/.test(path)) return checkParts(path)
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue
    if (part !== '..') parts.push(part)
    else if (parts.pop() === undefined && !path.startsWith('/'))
      throw invalid('its path leads outside the root')
  }
  return checkParts(parts.join('/'))
}

function checkParts(path: string): string {
  if (path.length <= MAX_NAME_BYTES / 4) return path
  if (path.split('/').some((part) => Buffer.byteLength(part) > MAX_NAME_BYTES))
    throw invalid(`a part of its path is longer than ${MAX_NAME_BYTES} bytes`)
  return path
}

function typeOf(header: TarHeader, name: Buffer, pax: PaxRecords | undefined): EntryType {
  if (header.flag === 'S' || pax?.sparse)
    throw new MicrovmError('IMAGE_INVALID', "sparse files in GNU tar's form are not supported", {
      hint: 'Make the archive without the --sparse option; long runs of zeros stay sparse here anyway.',
    })
  const type = types[header.flag]
  if (type === undefined) throw invalid(`tar type ${quote(header.flag)} is not supported`)
  // Before there was a type for directories a slash at the end made one.
  return header.flag === '\0' && name.at(-1) === 0x2f ? 'directory' : type
}

/** @throws if the bytes are not UTF-8: they would come out as others */
function decodeName(bytes: Buffer): string {
  if (bytes.length > MAX_PATH_BYTES)
    throw invalid(`its name is longer than ${MAX_PATH_BYTES} bytes`)
  if (bytes.includes(0)) throw invalid('its name holds a NUL')
  if (isAscii(bytes)) return bytes.toString('latin1')
  if (!isUtf8(bytes))
    throw invalid(`its name is not UTF-8 (bytes ${bytes.subarray(0, 100).toString('hex')})`)
  return bytes.toString('utf8')
}

function linkTarget(type: EntryType, bytes: Buffer): string {
  const text = decodeName(bytes)
  if (type === 'hardlink') return insideRoot(text)
  if (text === '' || bytes.length === MAX_PATH_BYTES) throw invalid('its link target is not valid')
  return text
}

function within(value: number, max: number, what: string): number {
  if (value < 0 || value > max) throw invalid(`its ${what} is out of range`)
  return value
}

function checkXattrs(
  xattrs: ReadonlyMap<string, Buffer> | undefined,
): ReadonlyMap<string, Uint8Array> {
  if (xattrs === undefined || xattrs.size === 0) return noXattrs
  let bytes = 0
  for (const [name, value] of xattrs) bytes += Buffer.byteLength(name) + value.length
  if (bytes > MAX_XATTR_BYTES)
    throw invalid(`its extended attributes take more than ${MAX_XATTR_BYTES} bytes`)
  return xattrs
}

const invalid = (why: string): MicrovmError => new MicrovmError('IMAGE_INVALID', why)
