// SPDX-License-Identifier: Apache-2.0

/** One object of a small self-contained EROFS image. */
export interface InlineEntry {
  /** Inside the root, no leading or trailing slash, no '.', '..' or empty part. Missing parents are made, root-owned, 0755. */
  path: string
  type: 'file' | 'directory' | 'symlink'
  /** Permission bits with setuid, setgid, sticky: 0 to 0o7777. */
  mode: number
  /** 0 when not given. */
  uid?: number
  /** 0 when not given. */
  gid?: number
  /** Of a file; empty when not given. */
  content?: Uint8Array
  /** Of a symlink: 1 to 4095 bytes. */
  target?: string
}
