// SPDX-License-Identifier: Apache-2.0
// One file-system object, as a layer's index lists it and as the tree and its views carry it.

export type EntryType =
  'file' | 'directory' | 'symlink' | 'hardlink' | 'char' | 'block' | 'fifo' | 'socket'

export interface Entry {
  /**
   * Inside the root, no leading or trailing slash, no '.', '..' or empty part; '' is the root itself.
   * UTF-8; a name that is not is refused at import.
   */
  readonly path: string
  readonly type: EntryType
  /** Permission bits with setuid, setgid, sticky: 0 to 0o7777. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Seconds since the epoch, and nanoseconds 0 to 999,999,999. */
  readonly mtime: number
  readonly mtimeNs: number
  /** Bytes; 0 for anything but a file. */
  readonly size: number
  /** Of a file: where its bytes begin in the layer's data file, a multiple of 4096. */
  readonly offset: number
  /** Of a symlink: its text, byte for byte. Of a hard link: the path it names, normalised like `path`. */
  readonly target: string
  /** Of a device. */
  readonly major: number
  readonly minor: number
  /** Name to value, bytes exactly as in the archive. */
  readonly xattrs: ReadonlyMap<string, Uint8Array>
}
