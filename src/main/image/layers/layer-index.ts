// SPDX-License-Identifier: Apache-2.0
// A layer's index: what its tar lists, in the tar's order, whiteouts included. Made to be loaded
// fast and whole. Little endian:
//   header (80 bytes)  0 magic, 8 version, 12 entries, 16 data size (f64), 24 file bytes (f64),
//                      32 name bytes, 36 xattr bytes, 40 flags, 48 SHA-256 of all other bytes
//   records (56 each)  0 type, 2 mode, 4 uid, 8 gid, 12 mtime ns, 16 mtime (f64), 24 size (f64),
//                      32 offset (f64), 40 path bytes, 42 target bytes, 44 major, 48 minor, 52 xattr set
//   xattr sets         numbered from 1; each: u16 count, then count × (u16, u32, name, value)
//   names              path and target of every record, one behind the other
// f64 holds whole numbers up to 2^53 exactly, which is more than any of these fields may be.
import { createHash } from 'node:crypto'
import { open, readFile } from 'node:fs/promises'
import { MicrovmError } from '../../../contract/errors'
import { DATA_ALIGNMENT } from './data-writer'
import type { Entry, EntryType } from '../tree/entry'
import { MAX_LAYER_ENTRIES, MAX_LAYER_NAME_BYTES } from '../limits'
import type { TarEntry } from '../tar/tar-entry'
import { isWhiteout } from '../tree/whiteout'

/** Goes up whenever the same tar would give another index or another data file. */
const VERSION = 1
const MAGIC = 'MVLAYER\0'
const HEADER = 80
const RECORD = 56
const CHECKSUM_AT = 48
const CHECKSUM_END = 80
const HAS_WHITEOUTS = 1
const types: readonly EntryType[] = [
  'file',
  'directory',
  'symlink',
  'hardlink',
  'char',
  'block',
  'fifo',
  'socket',
]
const noXattrs: ReadonlyMap<string, Uint8Array> = new Map()

/** What can be told of a layer without reading all of its index. */
export interface LayerSummary {
  readonly entries: number
  /** Bytes of the data file. */
  readonly dataSize: number
  /** Bytes of all files as the tar has them, without padding. */
  readonly fileBytes: number
  readonly hasWhiteouts: boolean
}

export interface LayerIndex extends LayerSummary {
  list(): Generator<Entry, void>
}

/** Collects entries in their final form: a million of them take no million objects. */
export class LayerIndexWriter {
  #records = Buffer.alloc(256 * RECORD)
  #names = Buffer.allocUnsafe(16 * 1024)
  readonly #xattrSets: Buffer[] = []
  readonly #xattrIds = new Map<string, number>()
  #entries = 0
  #nameBytes = 0
  #xattrBytes = 0
  #fileBytes = 0
  #flags = 0
  #told = { entries: 0, nameBytes: 0 }

  /**
   * @param offset of a file: where its content begins in the data file
   * @throws IMAGE_TOO_LARGE beyond the bounds of a layer
   */
  add(entry: TarEntry, offset: number): void {
    if (this.#entries === MAX_LAYER_ENTRIES)
      throw tooLarge(`more than ${MAX_LAYER_ENTRIES.toLocaleString('en')} entries`)
    const at = this.#entries * RECORD
    if (at === this.#records.length)
      this.#records = Buffer.concat([this.#records, Buffer.alloc(at)])
    const records = this.#records
    records[at] = types.indexOf(entry.type)
    records.writeUInt16LE(entry.mode, at + 2)
    records.writeUInt32LE(entry.uid, at + 4)
    records.writeUInt32LE(entry.gid, at + 8)
    records.writeUInt32LE(entry.mtimeNs, at + 12)
    records.writeDoubleLE(entry.mtime, at + 16)
    records.writeDoubleLE(entry.size, at + 24)
    records.writeDoubleLE(offset, at + 32)
    records.writeUInt16LE(this.#addName(entry.path), at + 40)
    records.writeUInt16LE(this.#addName(entry.target), at + 42)
    records.writeUInt32LE(entry.major, at + 44)
    records.writeUInt32LE(entry.minor, at + 48)
    records.writeUInt32LE(this.#addXattrs(entry.xattrs), at + 52)
    this.#entries++
    this.#fileBytes += entry.size
    if (isWhiteout(entry.path)) this.#flags |= HAS_WHITEOUTS
  }

  /** The pieces of the index file, in order. */
  encode(dataSize: number): Buffer[] {
    const header = Buffer.alloc(HEADER)
    header.write(MAGIC, 0, 'latin1')
    header.writeUInt32LE(VERSION, 8)
    header.writeUInt32LE(this.#entries, 12)
    header.writeDoubleLE(dataSize, 16)
    header.writeDoubleLE(this.#fileBytes, 24)
    header.writeUInt32LE(this.#nameBytes, 32)
    header.writeUInt32LE(this.#xattrBytes, 36)
    header.writeUInt32LE(this.#flags, 40)
    const body = [
      this.#records.subarray(0, this.#entries * RECORD),
      ...this.#xattrSets,
      this.#names.subarray(0, this.#nameBytes),
    ]
    checksum(header, body).copy(header, CHECKSUM_AT)
    return [header, ...body]
  }

  get summary(): Omit<LayerSummary, 'dataSize'> {
    return {
      entries: this.#entries,
      fileBytes: this.#fileBytes,
      hasWhiteouts: (this.#flags & HAS_WHITEOUTS) !== 0,
    }
  }

  /** What has come since the last call. */
  takeGrowth(): { entries: number; nameBytes: number } {
    const before = this.#told
    this.#told = { entries: this.#entries, nameBytes: this.#nameBytes + this.#xattrBytes }
    return {
      entries: this.#told.entries - before.entries,
      nameBytes: this.#told.nameBytes - before.nameBytes,
    }
  }

  #addName(name: string): number {
    // A UTF-16 unit takes at most three bytes of UTF-8.
    const room = this.#nameBytes + name.length * 3
    if (room > this.#names.length) {
      const larger = Buffer.allocUnsafe(Math.max(room, this.#names.length * 2))
      this.#names.copy(larger, 0, 0, this.#nameBytes)
      this.#names = larger
    }
    const written = this.#names.write(name, this.#nameBytes)
    this.#nameBytes += written
    this.#checkHeld()
    return written
  }

  #addXattrs(xattrs: ReadonlyMap<string, Uint8Array>): number {
    if (xattrs.size === 0) return 0
    const set = encodeXattrs(xattrs)
    const key = createHash('sha256').update(set).digest('base64')
    const known = this.#xattrIds.get(key)
    if (known !== undefined) return known
    this.#xattrSets.push(set)
    this.#xattrBytes += set.length
    this.#checkHeld()
    this.#xattrIds.set(key, this.#xattrSets.length)
    return this.#xattrSets.length
  }

  #checkHeld(): void {
    if (this.#nameBytes + this.#xattrBytes > MAX_LAYER_NAME_BYTES)
      throw tooLarge(`more than ${MAX_LAYER_NAME_BYTES} bytes of names and attributes`)
  }
}

/**
 * @param path of an index file of this store
 * @throws STATE_CORRUPT if it is not exactly what was written, STATE_VERSION if a newer version wrote it
 */
export async function readLayerIndex(path: string): Promise<LayerIndex> {
  const file = await readFile(path)
  const summary = parseHeader(file, file.length)
  if (!checksum(file, [file.subarray(HEADER)]).equals(file.subarray(CHECKSUM_AT, CHECKSUM_END)))
    throw corrupt('its checksum is wrong')
  return { ...summary, list: () => listEntries(file, summary) }
}

/** As `readLayerIndex`, from the header alone: the checksum is not looked at. */
export async function readLayerSummary(path: string): Promise<LayerSummary> {
  const file = await open(path)
  try {
    const header = Buffer.alloc(HEADER)
    const { bytesRead } = await file.read(header, 0, HEADER, 0)
    const { size } = await file.stat()
    return parseHeader(header.subarray(0, bytesRead), size)
  } finally {
    await file.close()
  }
}

function parseHeader(header: Buffer, fileSize: number): LayerSummary {
  if (header.length < HEADER || header.toString('latin1', 0, 8) !== MAGIC)
    throw corrupt('it is no index')
  const version = header.readUInt32LE(8)
  if (version > VERSION)
    throw new MicrovmError('STATE_VERSION', `the layer was stored by a newer version (${version})`)
  const entries = header.readUInt32LE(12)
  const length = HEADER + entries * RECORD + header.readUInt32LE(36) + header.readUInt32LE(32)
  if (version !== VERSION || length !== fileSize) throw corrupt('its length is wrong')
  return {
    entries,
    dataSize: header.readDoubleLE(16),
    fileBytes: header.readDoubleLE(24),
    hasWhiteouts: (header.readUInt32LE(40) & HAS_WHITEOUTS) !== 0,
  }
}

function* listEntries(file: Buffer, { entries, dataSize }: LayerSummary): Generator<Entry, void> {
  const sets = decodeXattrSets(
    file.subarray(HEADER + entries * RECORD, file.length - file.readUInt32LE(32)),
  )
  let name = file.length - file.readUInt32LE(32)
  for (let at = HEADER; at < HEADER + entries * RECORD; at += RECORD) {
    const pathEnd = name + file.readUInt16LE(at + 40)
    const targetEnd = pathEnd + file.readUInt16LE(at + 42)
    const type = types[file[at]!]
    const size = file.readDoubleLE(at + 24)
    const offset = file.readDoubleLE(at + 32)
    const xattrs = sets[file.readUInt32LE(at + 52)]
    const isSound =
      type !== undefined &&
      xattrs !== undefined &&
      targetEnd <= file.length &&
      offset % DATA_ALIGNMENT === 0 &&
      offset + size <= dataSize
    if (!isSound) throw corrupt('it has a record that cannot be')
    yield {
      path: file.toString('utf8', name, pathEnd),
      type,
      mode: file.readUInt16LE(at + 2),
      uid: file.readUInt32LE(at + 4),
      gid: file.readUInt32LE(at + 8),
      mtime: file.readDoubleLE(at + 16),
      mtimeNs: file.readUInt32LE(at + 12),
      size,
      offset,
      target: targetEnd === pathEnd ? '' : file.toString('utf8', pathEnd, targetEnd),
      major: file.readUInt32LE(at + 44),
      minor: file.readUInt32LE(at + 48),
      xattrs,
    }
    name = targetEnd
  }
}

function encodeXattrs(xattrs: ReadonlyMap<string, Uint8Array>): Buffer {
  const parts: Uint8Array[] = []
  const count = Buffer.alloc(2)
  count.writeUInt16LE(xattrs.size)
  parts.push(count)
  for (const [name, value] of xattrs) {
    const nameBytes = Buffer.from(name)
    const lengths = Buffer.alloc(6)
    lengths.writeUInt16LE(nameBytes.length)
    lengths.writeUInt32LE(value.length, 2)
    parts.push(lengths, nameBytes, value)
  }
  return Buffer.concat(parts)
}

/** Set 0 is the empty one. */
function decodeXattrSets(bytes: Buffer): ReadonlyMap<string, Uint8Array>[] {
  const sets = [noXattrs]
  for (let at = 0; at < bytes.length;) {
    const set = new Map<string, Uint8Array>()
    const count = bytes.readUInt16LE(at)
    at += 2
    for (let i = 0; i < count; i++) {
      const nameEnd = at + 6 + bytes.readUInt16LE(at)
      const valueEnd = nameEnd + bytes.readUInt32LE(at + 2)
      set.set(bytes.toString('utf8', at + 6, nameEnd), bytes.subarray(nameEnd, valueEnd))
      at = valueEnd
    }
    sets.push(set)
  }
  return sets
}

function checksum(header: Buffer, body: readonly Buffer[]): Buffer {
  const hash = createHash('sha256').update(header.subarray(0, CHECKSUM_AT))
  for (const part of body) hash.update(part)
  return hash.digest()
}

const corrupt = (why: string): MicrovmError =>
  new MicrovmError('STATE_CORRUPT', `a stored layer's index cannot be read: ${why}`, {
    hint: 'Pull or import the image again.',
  })

const tooLarge = (what: string): MicrovmError =>
  new MicrovmError('IMAGE_TOO_LARGE', `the layer has ${what}`, {
    hint: 'Images this large are refused, to protect this computer from archives made to exhaust it.',
  })
