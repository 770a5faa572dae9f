// SPDX-License-Identifier: Apache-2.0
// Entries of a tar archive (POSIX.1-2008 pax, "ustar Interchange Format"), with a PAX header where the
// old fields are too small. The same entry always gives the same bytes.
import type { Entry } from '../tree/entry'
import { BLOCK } from './tar-header'

export type NewTarEntry = Omit<Entry, 'offset'>

/** What an archive's own files are, unless said otherwise. */
export function plainFile(path: string, size: number): NewTarEntry {
  const times = { mtime: 0, mtimeNs: 0 }
  const device = { major: 0, minor: 0 }
  const owner = { uid: 0, gid: 0 }
  return {
    path,
    type: 'file',
    mode: 0o644,
    size,
    target: '',
    xattrs: new Map(),
    ...times,
    ...device,
    ...owner,
  }
}

/** Two blocks of zeros. */
export const tarEnd = (): Buffer => Buffer.alloc(2 * BLOCK)

/** What follows a file's content. */
export const tarPadding = (size: number): Buffer => Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK)

const flags: Readonly<Record<Entry['type'], string>> = {
  file: '0',
  hardlink: '1',
  symlink: '2',
  char: '3',
  block: '4',
  directory: '5',
  fifo: '6',
  // Tar has none. Nothing that was a tar has one either.
  socket: '6',
}
const MAX_OCTAL_7 = 0o7777777
const MAX_OCTAL_11 = 0o77777777777
const NAME_BYTES = 100

/** Header of an entry, PAX header included; a file's content and padding follow. */
export function tarHeader(entry: NewTarEntry): Buffer {
  const name = Buffer.from(nameOf(entry))
  const link = Buffer.from(entry.target)
  const records = paxRecords(entry, name, link)
  const pax = Buffer.concat(records)
  const own = block(entry, name, link, flags[entry.type], entry.size)
  if (pax.length === 0) return own
  const about = block(plainFile('', 0), Buffer.from('PaxHeader'), Buffer.alloc(0), 'x', pax.length)
  return Buffer.concat([about, pax, tarPadding(pax.length), own])
}

function nameOf({ path, type }: NewTarEntry): string {
  if (path === '') return './'
  return type === 'directory' ? `${path}/` : path
}

function paxRecords(entry: NewTarEntry, name: Buffer, link: Buffer): Buffer[] {
  const records: Buffer[] = []
  const add = (key: string, value: string | Uint8Array): void =>
    void records.push(paxRecord(key, Buffer.from(value)))
  const isPlain = (text: Buffer): boolean =>
    text.length <= NAME_BYTES && text.every((byte) => byte < 0x80)
  if (!isPlain(name)) add('path', name)
  if (!isPlain(link)) add('linkpath', link)
  if (entry.size > MAX_OCTAL_11) add('size', String(entry.size))
  if (entry.uid > MAX_OCTAL_7) add('uid', String(entry.uid))
  if (entry.gid > MAX_OCTAL_7) add('gid', String(entry.gid))
  if (entry.mtimeNs !== 0 || entry.mtime < 0 || entry.mtime > MAX_OCTAL_11)
    add('mtime', timeText(entry.mtime, entry.mtimeNs))
  const xattrs = [...entry.xattrs].toSorted(([a], [b]) => (a < b ? -1 : 1))
  for (const [key, value] of xattrs) add(`SCHILY.xattr.${key}`, value)
  return records
}

/** "LENGTH KEY=VALUE\n", where the length counts its own digits. */
function paxRecord(key: string, value: Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), value, Buffer.from('\n')])
  let length = rest.length + 1
  while (String(length).length + rest.length !== length) length++
  return Buffer.concat([Buffer.from(String(length)), rest])
}

/** Second -2 and 0.75 s is -1.25. */
function timeText(seconds: number, ns: number): string {
  if (ns === 0) return String(seconds)
  const isNegative = seconds < 0
  const whole = isNegative ? -seconds - 1 : seconds
  const part = isNegative ? 1_000_000_000 - ns : ns
  const fraction = String(part).padStart(9, '0').replace(/0+$/, '')
  return `${isNegative ? '-' : ''}${whole}.${fraction}`
}

function block(entry: NewTarEntry, name: Buffer, link: Buffer, flag: string, size: number): Buffer {
  const bytes = Buffer.alloc(BLOCK)
  name.copy(bytes, 0, 0, NAME_BYTES)
  octal(bytes, 100, 8, entry.mode)
  octal(bytes, 108, 8, entry.uid <= MAX_OCTAL_7 ? entry.uid : 0)
  octal(bytes, 116, 8, entry.gid <= MAX_OCTAL_7 ? entry.gid : 0)
  octal(bytes, 124, 12, size <= MAX_OCTAL_11 ? size : 0)
  octal(bytes, 136, 12, entry.mtime >= 0 && entry.mtime <= MAX_OCTAL_11 ? entry.mtime : 0)
  bytes.write(flag, 156, 'latin1')
  link.copy(bytes, 157, 0, NAME_BYTES)
  bytes.write('ustar\u000000', 257, 'latin1')
  octal(bytes, 329, 8, entry.major)
  octal(bytes, 337, 8, entry.minor)
  bytes.fill(' ', 148, 156)
  const sum = bytes.reduce((total, byte) => total + byte, 0)
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return bytes
}

function octal(bytes: Buffer, at: number, length: number, value: number): void {
  bytes.write(value.toString(8).padStart(length - 1, '0'), at, length - 1, 'latin1')
}
