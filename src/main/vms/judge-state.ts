// SPDX-License-Identifier: Apache-2.0
// What a state file says against what is true: a process that died could not say so itself.
import type { VmState, VmStatus } from '../../contract/vm-state'

export function isActive(status: VmStatus): boolean {
  return status !== 'stopped' && status !== 'failed'
}

/**
 * @param alive whether the runner, or before there is one the launcher, still runs
 * @returns the state as it must be instead; undefined if it is right as it stands
 */
export function correctState(state: VmState, alive: boolean, now: number): VmState | undefined {
  if (!isActive(state.status) || alive) return undefined
  // Neither process, socket nor ports are in force any more.
  const { runner, socket: _socket, launcher: _launcher, ...rest } = state
  const off = { ...rest, ports: [], stoppedAt: now }
  if (state.status === 'stopping') return { ...off, status: 'stopped' }
  return {
    ...off,
    status: 'failed',
    error:
      runner === undefined
        ? {
            code: 'RUNNER_FAILED',
            message: 'the launch was interrupted: the process that prepared it has ended',
            hint: 'Start the machine again.',
          }
        : {
            code: 'RUNNER_FAILED',
            message: 'runner ended unexpectedly',
            hint: 'The host was restarted, or the runner was killed. Its disk is as it was then: start the machine again.',
          },
  }
}
