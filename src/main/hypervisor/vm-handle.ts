// SPDX-License-Identifier: Apache-2.0
// A handle on a runner that this process has started or found running.
import { setTimeout as sleep } from 'node:timers/promises'
import { MicrovmError } from '../../contract/errors'
import type { ProcessIdentity, VmState } from '../../contract/vm-state'
import { isAlive, signalProcess } from '../lib/process-identity'
import type { VmHandle } from './backend'
import { connectRunner, type RunnerClient } from './runner-client'

/** A runner that lost its client or hangs: TERM, and KILL after this long (SPEC "runner"). */
const KILL_AFTER_MS = 30_000
/** Between "the machine is off" and the end of the runner's process there is only tidying. */
const EXIT_GRACE_MS = 5000
const POLL_MS = 20

export function vmHandle(id: string, runner: ProcessIdentity, client: RunnerClient): VmHandle {
  return {
    id,
    runner,
    client,
    isAlive: () => isAlive(runner),
    async stop({ force = false } = {}) {
      const state = await askToStop(client, force)
      if (state !== undefined && (await endsWithin(runner, EXIT_GRACE_MS))) return state
      await signalProcess(runner, 'SIGTERM')
      if (!(await endsWithin(runner, force ? EXIT_GRACE_MS : KILL_AFTER_MS))) {
        await signalProcess(runner, 'SIGKILL')
        await endsWithin(runner, EXIT_GRACE_MS)
      }
      return state
    },
  }
}

/**
 * The handle of a machine that another process, or an earlier life of this one, has started.
 * @returns undefined if its runner is gone
 * @throws RUNNER_FAILED if the runner lives and does not answer
 */
export async function adoptVm(id: string, state: VmState): Promise<VmHandle | undefined> {
  const { runner, socket } = state
  if (runner === undefined || socket === undefined || !(await isAlive(runner))) return undefined
  try {
    return vmHandle(id, runner, await connectRunner(socket))
  } catch (error) {
    if (!(await isAlive(runner))) return undefined
    throw error
  }
}

async function askToStop(client: RunnerClient, force: boolean): Promise<VmState | undefined> {
  try {
    return await client.request('stop', { force })
  } catch (error) {
    if (MicrovmError.from(error).code === 'RUNNER_FAILED') return undefined
    throw error
  }
}

async function endsWithin(identity: ProcessIdentity, milliseconds: number): Promise<boolean> {
  const deadline = Date.now() + milliseconds
  while (await isAlive(identity)) {
    if (Date.now() > deadline) return false
    await sleep(POLL_MS)
  }
  return true
}
