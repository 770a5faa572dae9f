// SPDX-License-Identifier: Apache-2.0
// How a file is compressed, told by its first bytes: names and media types are often wrong.

export type CompressionKind = 'gzip' | 'zstd' | 'bzip2' | 'xz'

/** RFC 1952, 2.3.1; RFC 8878, 3.1.1; bzip2's "BZh"; the .xz file format, 2.1.1.1. */
const magics: readonly (readonly [kind: CompressionKind, bytes: Buffer])[] = [
  ['gzip', Buffer.from([0x1f, 0x8b])],
  ['zstd', Buffer.from([0x28, 0xb5, 0x2f, 0xfd])],
  ['bzip2', Buffer.from('BZh')],
  ['xz', Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00])],
]

/** So many bytes tell every kind. */
export const LONGEST_MAGIC = 6

/** @param head the first bytes of the file, `LONGEST_MAGIC` of them unless it is shorter */
export function compressionKind(head: Buffer): CompressionKind | undefined {
  return magics.find(([, magic]) => head.subarray(0, magic.length).equals(magic))?.[0]
}
