// SPDX-License-Identifier: Apache-2.0
// What the guest is to be, from what the image says and what the user asked for.
import type { ImageConfig } from '../../contract/images'
import type { VmSpec } from '../../contract/vm-spec'
import { stopSignal } from './stop-signal'

export interface GuestSettings {
  readonly argv: readonly string[]
  /** NAME=value. */
  readonly env: readonly string[]
  readonly workdir: string
  /** '' is root. */
  readonly user: string
  /** Linux's number. */
  readonly stopSignal: number
}

/** What Docker gives a container whose image sets no PATH. */
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

export function guestSettings(
  spec: Pick<VmSpec, 'command' | 'env' | 'workdir' | 'user'>,
  image: ImageConfig,
): GuestSettings {
  const argv = spec.command ?? [...image.entrypoint, ...image.cmd]
  return {
    argv,
    env: mergeEnv(image.env, spec.env),
    workdir: spec.workdir ?? (image.workdir === '' ? '/' : image.workdir),
    user: spec.user ?? image.user,
    stopSignal: stopSignal(image.stopSignal, argv),
  }
}

/** The image's variables in its order, then the user's; the user's value wins. */
function mergeEnv(image: readonly string[], user: Readonly<Record<string, string>>): string[] {
  const merged = new Map([['PATH', DEFAULT_PATH]])
  for (const assignment of image) {
    const equals = assignment.indexOf('=')
    if (equals > 0) merged.set(assignment.slice(0, equals), assignment.slice(equals + 1))
  }
  for (const [name, value] of Object.entries(user)) merged.set(name, value)
  return [...merged].map(([name, value]) => `${name}=${value}`)
}
