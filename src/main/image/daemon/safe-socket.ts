// SPDX-License-Identifier: Apache-2.0
// Whether a Unix socket may be spoken to: whoever answers there says which image a name means. So it
// must be root's or the user's own, and lie where nobody else can put another in its place.
import { realpath, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

export type SocketCheck =
  /** @property path with all links followed, to be connected to in place of what was given */
  | { readonly ok: true; readonly path: string }
  /** @property why absent if there is nothing of that name */
  | { readonly ok: false; readonly why?: string }

const WRITABLE_BY_ALL = 0o002
const STICKY = 0o1000

/** @param uid of the user this runs as */
export async function checkSocket(given: string, uid: number): Promise<SocketCheck> {
  try {
    const path = await realpath(given)
    const socket = await stat(path)
    if (!socket.isSocket()) return { ok: false, why: `${path} is no socket` }
    if (!isOurs(socket.uid, uid))
      return { ok: false, why: `${path} belongs to another user (${socket.uid})` }
    for (let folder = dirname(path); ; folder = dirname(folder)) {
      const { mode, uid: owner } = await stat(folder)
      const isOpen = (mode & WRITABLE_BY_ALL) !== 0 && (mode & STICKY) === 0
      if (isOpen || !isOurs(owner, uid))
        return { ok: false, why: `${path} lies in ${folder}, which other users can change` }
      if (folder === dirname(folder)) return { ok: true, path }
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    return code === 'ENOENT' || code === 'ENOTDIR' ? { ok: false } : { ok: false, why: message }
  }
}

const isOurs = (owner: number, uid: number): boolean => owner === 0 || owner === uid
