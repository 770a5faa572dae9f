// SPDX-License-Identifier: Apache-2.0
// Extended attributes, all inline: a 12-byte header (no filter, nothing shared), then entries of
// name length, prefix index, value size, name without prefix, value; each padded to 4 bytes.
import { roundUp } from './format'

const HEADER_SIZE = 12
const ENTRY_HEADER_SIZE = 4
const NAME_BYTES_MAX = 255
const VALUE_BYTES_MAX = 0xffff
/** i_xattr_icount is 16 bits: the header as one, then units of 4 bytes. */
const AREA_BYTES_MAX = HEADER_SIZE + 4 * (0xffff - 1)

/** Prefixes that EROFS can name; the two of POSIX ACLs are whole names. */
const prefixes = [
  { prefix: 'user.', index: 1, whole: false },
  { prefix: 'system.posix_acl_access', index: 2, whole: true },
  { prefix: 'system.posix_acl_default', index: 3, whole: true },
  { prefix: 'trusted.', index: 4, whole: false },
  { prefix: 'security.', index: 6, whole: false },
]

export interface EncodedXattrs {
  /** The area behind the inode; empty when there is nothing to store. */
  readonly bytes: Buffer
  /** Names of a namespace that EROFS cannot hold (and Linux does not have), left out. */
  readonly dropped: readonly string[]
}

const none: EncodedXattrs = { bytes: Buffer.alloc(0), dropped: [] }

/**
 * The xattr area of one inode, in the order of the names.
 * @throws RangeError when a name, a value or their sum is longer than the format can say
 */
export function encodeXattrs(xattrs: ReadonlyMap<string, Uint8Array>): EncodedXattrs {
  if (xattrs.size === 0) return none
  const dropped: string[] = []
  const entries: Buffer[] = []
  let size = HEADER_SIZE
  for (const name of [...xattrs.keys()].sort()) {
    const entry = encodeEntry(name, xattrs.get(name)!)
    if (entry === undefined) dropped.push(name)
    else size += entries[entries.push(entry) - 1]!.length
  }
  if (size > AREA_BYTES_MAX) throw new RangeError(`${size} bytes of extended attributes`)
  if (entries.length === 0) return { bytes: none.bytes, dropped }
  return { bytes: Buffer.concat([Buffer.alloc(HEADER_SIZE), ...entries]), dropped }
}

function encodeEntry(name: string, value: Uint8Array): Buffer | undefined {
  const known = prefixes.find(({ prefix, whole }) =>
    whole ? name === prefix : name.startsWith(prefix) && name.length > prefix.length,
  )
  if (known === undefined) return undefined
  const suffix = Buffer.from(name.slice(known.prefix.length))
  if (suffix.length > NAME_BYTES_MAX)
    throw new RangeError(`an extended attribute's name is too long`)
  if (value.length > VALUE_BYTES_MAX) throw new RangeError(`${value.length} bytes in ${name}`)
  const valueAt = ENTRY_HEADER_SIZE + suffix.length
  const entry = Buffer.alloc(roundUp(valueAt + value.length, 4))
  entry.writeUInt8(suffix.length, 0)
  entry.writeUInt8(known.index, 1)
  entry.writeUInt16LE(value.length, 2)
  entry.set(suffix, ENTRY_HEADER_SIZE)
  entry.set(value, valueAt)
  return entry
}
