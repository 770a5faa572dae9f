// SPDX-License-Identifier: Apache-2.0
// The runner in a user namespace of its own (Linux): there the user is root and nobody else exists. Set-user-ID
// programs gain it nothing, and a root directory shared with libkrun belongs to root in the guest.
import { execFile, spawn } from 'node:child_process'
import { promisify } from 'node:util'
import type { Spawner } from './spawn-runner'

/** util-linux; it becomes the program it starts, so that the pid is the program's. */
const UNSHARE = 'unshare'
const UNSHARE_ARGS = ['--user', '--map-root-user', '--']
const TRIAL_TIMEOUT_MS = 5000

export const spawnInUserNamespace: Spawner = (executable, args, options) =>
  spawn(UNSHARE, [...UNSHARE_ARGS, executable, ...args], options)

/** Tries it. @returns undefined if it works, else why not */
export async function userNamespaceProblem(unshare = UNSHARE): Promise<string | undefined> {
  try {
    await promisify(execFile)(unshare, [...UNSHARE_ARGS, '/bin/true'], {
      timeout: TRIAL_TIMEOUT_MS,
    })
    return undefined
  } catch (error) {
    const { code, stderr } = error as { code?: unknown; stderr?: string }
    if (code === 'ENOENT') return 'the program unshare is missing'
    return stderr?.trim().split('\n')[0] || (error as Error).message
  }
}
