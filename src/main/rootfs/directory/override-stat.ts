// SPDX-License-Identifier: Apache-2.0
// Whom a file belongs to in the guest, where the host cannot say it: libkrun on macOS reads owner and mode from
// this attribute (its virtio-fs passthrough), and makes devices of plain files by it.
import type { FsNode } from '../../image/tree/fs-tree'

export const OVERRIDE_STAT = 'user.containers.override_stat'

/** Type bits of st_mode (inode(7)), for what is a plain file on the host. */
const specialTypes: Readonly<Partial<Record<FsNode['type'], number>>> = {
  fifo: 0o010000,
  char: 0o020000,
  block: 0o060000,
  socket: 0o140000,
}

/** `uid:gid:0<mode>`, the mode in octal. */
export function overrideStat({ type, uid, gid, mode }: FsNode): string {
  return `${uid}:${gid}:0${(mode | (specialTypes[type] ?? 0)).toString(8)}`
}

export interface HostOwner {
  /** The guest sees owners and modes as they are on the host, and this process may set any (root on Linux). */
  readonly exact: boolean
  readonly platform: NodeJS.Platform
}

/**
 * The permission bits on the host. They are the guest's own where those count; else our user can always
 * read and write, and no program changes its user to anybody but the one it belonged to.
 */
export function hostMode({ type, mode, uid, gid }: FsNode, owner: HostOwner): number {
  if (owner.exact) return mode
  const ours = type === 'directory' ? 0o700 : 0o600
  if (owner.platform === 'darwin') return (mode & 0o777) | ours
  // Everything belongs to one user: a program that becomes its owner would become another one.
  const foreign = (uid === 0 ? 0 : 0o4000) | (type !== 'directory' && gid !== 0 ? 0o2000 : 0)
  return (mode & ~foreign) | ours
}
