// SPDX-License-Identifier: Apache-2.0
// PAX extended headers (POSIX.1-2008 pax, "pax Header Block"): records "LENGTH KEY=VALUE\n", where
// LENGTH counts the whole record. Values stay bytes: an extended attribute may hold anything.
import { MicrovmError } from '../../../contract/errors'
import { quote } from '../digest'

export interface PaxRecords {
  readonly path?: Buffer
  readonly linkPath?: Buffer
  readonly size?: number
  readonly uid?: number
  readonly gid?: number
  readonly mtime?: number
  readonly mtimeNs?: number
  readonly xattrs: ReadonlyMap<string, Buffer>
  /** The entry is one of GNU tar's sparse files (GNU.sparse.…). */
  readonly sparse: boolean
}

type Mutable = { -readonly [K in keyof PaxRecords]: PaxRecords[K] } & {
  xattrs: Map<string, Buffer>
}

/** Written by GNU tar, star and Go; the value as it is. */
const SCHILY_XATTR = 'SCHILY.xattr.'
/** Written by libarchive beside or in place of it; name percent-encoded, value in base64. */
const LIBARCHIVE_XATTR = 'LIBARCHIVE.xattr.'
const charsets = new Set(['ISO-IR 10646 2000 UTF-8', 'BINARY'])

/** @throws IMAGE_INVALID for a record that is malformed or asks for a character set other than UTF-8 */
export function parsePax(bytes: Buffer): PaxRecords {
  const records: Mutable = { xattrs: new Map(), sparse: false }
  const archive: [string, Buffer][] = []
  for (let at = 0; at < bytes.length;) {
    const { key, value, end } = readRecord(bytes, at)
    at = end
    if (key.startsWith(SCHILY_XATTR))
      records.xattrs.set(xattrName(key.slice(SCHILY_XATTR.length)), value)
    else if (key.startsWith(LIBARCHIVE_XATTR)) archive.push([key, value])
    // An empty value takes the record back: the header's own field counts.
    else if (value.length > 0) setField(records, key, value)
  }
  for (const [key, value] of archive) {
    const name = xattrName(percentDecode(key.slice(LIBARCHIVE_XATTR.length)))
    if (!records.xattrs.has(name))
      records.xattrs.set(name, Buffer.from(value.toString('latin1'), 'base64'))
  }
  return records
}

function readRecord(bytes: Buffer, at: number): { key: string; value: Buffer; end: number } {
  const space = bytes.indexOf(0x20, at)
  const digits = space === -1 ? '' : bytes.toString('latin1', at, space)
  const end = at + Number(digits)
  const equals = bytes.indexOf(0x3d, space)
  const isRecord =
    /^[0-9]{1,9}$/.test(digits) &&
    end <= bytes.length &&
    bytes[end - 1] === 0x0a &&
    equals > space + 1 &&
    equals < end
  if (!isRecord) throw new MicrovmError('IMAGE_INVALID', 'a PAX header is malformed')
  const key = bytes.toString('utf8', space + 1, equals)
  return { key, value: Buffer.from(bytes.subarray(equals + 1, end - 1)), end }
}

function setField(records: Mutable, key: string, value: Buffer): void {
  if (key === 'path') records.path = value
  else if (key === 'linkpath') records.linkPath = value
  else if (key === 'size' || key === 'uid' || key === 'gid') records[key] = wholeNumber(key, value)
  else if (key === 'mtime') Object.assign(records, parseTime(value))
  else if (key.startsWith('GNU.sparse.')) records.sparse = true
  else if (key === 'hdrcharset' && !charsets.has(value.toString('latin1')))
    throw new MicrovmError(
      'IMAGE_INVALID',
      `names are in character set ${quote(value.toString('latin1'))}, only UTF-8 is supported`,
    )
}

function wholeNumber(key: string, value: Buffer): number {
  const digits = value.toString('latin1')
  const result = Number(digits)
  if (!/^[0-9]+$/.test(digits) || !Number.isSafeInteger(result))
    throw new MicrovmError('IMAGE_INVALID', `a PAX header's ${key} is not a number`)
  return result
}

/** Seconds with a fraction, maybe negative: -1.25 is 0.75 s after second -2. */
function parseTime(value: Buffer): { mtime: number; mtimeNs: number } {
  const match = /^(-?)([0-9]{1,15})(?:\.([0-9]*))?$/.exec(value.toString('latin1'))
  if (!match) throw new MicrovmError('IMAGE_INVALID', "a PAX header's mtime is not a time")
  const seconds = Number(match[2])
  const ns = Number((match[3] ?? '').slice(0, 9).padEnd(9, '0'))
  if (match[1] === '') return { mtime: seconds, mtimeNs: ns }
  return ns === 0
    ? { mtime: 0 - seconds, mtimeNs: 0 }
    : { mtime: -seconds - 1, mtimeNs: 1_000_000_000 - ns }
}

function xattrName(name: string): string {
  if (
    name === '' ||
    name.includes('\0') ||
    name.includes('\ufffd') ||
    Buffer.byteLength(name) > 255
  )
    throw new MicrovmError('IMAGE_INVALID', `${quote(name)} cannot name an extended attribute`)
  return name
}

function percentDecode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new MicrovmError('IMAGE_INVALID', `${quote(text)} cannot name an extended attribute`)
  }
}
