// SPDX-License-Identifier: Apache-2.0
// Files a caller puts into a guest before it boots (SPEC "rootfs, hooks"). They travel on the config
// drive and init puts them in place; a symbolic link of the image is replaced, never written through.
import { MicrovmError } from '../../contract/errors'
import { envNameSchema } from '../../contract/vm-spec'

export interface GuestFile {
  /** Absolute, in the guest. */
  readonly path: string
  readonly content: Uint8Array
  /** Permission bits. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
}

interface Owner {
  readonly uid?: number
  readonly gid?: number
}

/** Init's own, and file systems the kernel makes: nothing put there would be seen. */
const NOT_BELOW = ['/.microvm', '/proc', '/sys', '/dev']

/** @throws INVALID_ARGUMENT for a path that is not absolute and plain, or lies where init mounts something */
export function guestFile(
  path: string,
  content: Uint8Array | string,
  options: Owner & { mode?: number } = {},
): GuestFile {
  const parts = path.split('/').slice(1)
  const plain =
    path.startsWith('/') &&
    !path.includes('\0') &&
    parts.every((part) => part !== '' && part !== '.' && part !== '..')
  const hidden = NOT_BELOW.find((top) => path === top || path.startsWith(`${top}/`))
  if (!plain || hidden !== undefined) {
    throw new MicrovmError('INVALID_ARGUMENT', `a file cannot be put at ${JSON.stringify(path)}`, {
      hint: `Give an absolute path without . and .., and not below ${NOT_BELOW.join(', ')}.`,
    })
  }
  return {
    path,
    content: typeof content === 'string' ? Buffer.from(content) : content,
    mode: options.mode ?? 0o644,
    uid: options.uid ?? 0,
    gid: options.gid ?? 0,
  }
}

/** An executable: 0755. */
export function guestBinary(path: string, content: Uint8Array, owner: Owner = {}): GuestFile {
  return guestFile(path, content, { ...owner, mode: 0o755 })
}

/** Variables as a file a shell can source: sorted, single-quoted, 0600. */
export function guestEnvFile(
  path: string,
  env: Readonly<Record<string, string>>,
  owner: Owner = {},
): GuestFile {
  const lines = Object.entries(env)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => {
      if (!envNameSchema.safeParse(name).success || value.includes('\0')) {
        throw new MicrovmError('INVALID_ARGUMENT', `not a variable: ${JSON.stringify(name)}`, {
          hint: 'A name is letters, digits and _, no digit first; a value has no NUL byte.',
        })
      }
      return `${name}='${value.replaceAll("'", `'\\''`)}'\n`
    })
  return guestFile(path, lines.join(''), { ...owner, mode: 0o600 })
}
