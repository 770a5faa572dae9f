// SPDX-License-Identifier: Apache-2.0
// Which virtiofsd this is, and what it can do for a machine's shared folders.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { MicrovmError } from '../../contract/errors'
import type { Mount } from '../../contract/vm-spec'

const TIMEOUT_MS = 5000

export interface Virtiofsd {
  /** QEMU's own in C (up to QEMU 7.2), or the one in Rust that followed it. */
  readonly kind: 'c' | 'rust'
  /** Whether it can show files as someone else's (Rust, from 1.13 on). */
  readonly translatesOwners: boolean
}

/** @throws HYPERVISOR_FAILED if it cannot be run or is none */
export async function examineVirtiofsd(path: string): Promise<Virtiofsd> {
  try {
    const { stdout, stderr } = await promisify(execFile)(path, ['--help'], { timeout: TIMEOUT_MS })
    const help = stdout + stderr
    if (help.includes('--shared-dir'))
      return { kind: 'rust', translatesOwners: help.includes('--translate-uid') }
    if (help.includes('-o source=')) return { kind: 'c', translatesOwners: false }
    throw new Error('it is no virtiofsd')
  } catch (cause) {
    const message = `${path} cannot be used: ${(cause as Error).message.trim()}`
    throw new MicrovmError('HYPERVISOR_FAILED', message, {
      hint: 'Install virtiofsd: `apt-get install virtiofsd` on Debian and Ubuntu, `dnf install virtiofsd` on Fedora.',
      cause,
    })
  }
}

/**
 * One virtiofsd serves all folders of a machine, and translates owners in one way only.
 * @throws INVALID_ARGUMENT for owners it cannot show
 */
export function requireOwners(
  virtiofsd: Virtiofsd,
  folders: readonly Pick<Mount, 'hostPath' | 'owner'>[],
): void {
  const owned = folders.find(({ owner }) => owner !== undefined)
  if (owned === undefined) return
  if (!virtiofsd.translatesOwners)
    throw new MicrovmError(
      'INVALID_ARGUMENT',
      `the virtiofsd of this computer cannot show ${owned.hostPath} as owned by ${text(owned)}`,
      { hint: 'Leave the owner away, install virtiofsd 1.13 or newer, or use libkrun.' },
    )
  const other = folders.find((folder) => text(folder) !== text(owned))
  if (other !== undefined)
    throw new MicrovmError(
      'INVALID_ARGUMENT',
      `${owned.hostPath} and ${other.hostPath} cannot have different owners with QEMU`,
      { hint: 'Give all shared folders the same owner, or use libkrun.' },
    )
}

const text = ({ owner }: Pick<Mount, 'owner'>): string =>
  owner === undefined ? '' : `${owner.uid}:${owner.gid}`
