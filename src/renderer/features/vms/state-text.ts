// SPDX-License-Identifier: Apache-2.0
// A machine's state in words: one word, a detail, a tone, and since when. Pure.
import type { VmView } from '../../../contract/ipc'
import type { VmState, VmStatus } from '../../../contract/vm-state'
import { formatAgo, formatDuration } from '../../ui/format'
import type { Tone } from '../../ui/status-dot'
import { nextStage, stageLabel } from './stages'

export interface StateText {
  readonly tone: Tone
  readonly word: string
  /** '' if there is nothing to add. */
  readonly detail: string
}

const words: Record<VmStatus, { word: string; tone: Tone }> = {
  stopped: { word: 'Stopped', tone: 'off' },
  starting: { word: 'Starting', tone: 'busy' },
  running: { word: 'Running', tone: 'good' },
  paused: { word: 'Paused', tone: 'busy' },
  stopping: { word: 'Stopping', tone: 'busy' },
  failed: { word: 'Failed', tone: 'bad' },
}

/** "Failed · entrypoint exited 1" in its parts. */
export function stateText(vm: VmView): StateText {
  if (vm.damaged !== undefined) return { tone: 'bad', word: 'Damaged', detail: 'files set aside' }
  const { word, tone } = words[vm.state.status]
  return { word, tone, detail: detailOf(vm) }
}

/** The parts in one line. */
export function stateLine(text: StateText): string {
  return text.detail === '' ? text.word : `${text.word} · ${text.detail}`
}

function detailOf(vm: VmView): string {
  const { state } = vm
  if (state.status === 'starting') return stageLabel(currentStage(vm))
  if (state.status === 'stopped' && state.exitCode !== undefined && state.exitCode !== 0)
    return `exited ${state.exitCode}`
  if (state.status === 'paused') return state.error?.code === 'DISK_FULL' ? 'disk full' : ''
  if (state.status !== 'failed') return ''
  return failureDetail(state)
}

const failures: Partial<Record<string, string>> = {
  DISK_FULL: 'disk full',
  ENTRYPOINT_FAILED: 'command could not start',
  GUEST_BOOT_FAILED: 'did not boot',
  HYPERVISOR_FAILED: 'hypervisor ended',
  IMAGE_NOT_FOUND: 'no such image',
  IMAGE_PLATFORM: 'wrong architecture',
  NETWORK_FAILED: 'network ended',
  PORT_IN_USE: 'port in use',
  REGISTRY_UNREACHABLE: 'registry unreachable',
  RUNNER_FAILED: 'runner ended',
}

function failureDetail({ exitCode, error }: VmState): string {
  if (exitCode !== undefined) return `entrypoint exited ${exitCode}`
  if (error === undefined) return ''
  return failures[error.code] ?? error.message
}

/** The stage a launch is in: what the launch says, else the one after the last that ended. */
export function currentStage(vm: VmView): string {
  return vm.progress?.stage ?? nextStage(vm.state.timeline.at(-1)?.name)
}

/** "2 h 14 m" while it runs, "12 min ago" after that; '' if it never ran. */
export function sinceText(state: VmState, now: number): string {
  if (isUp(state.status))
    return state.startedAt === undefined ? '' : formatDuration(now - state.startedAt)
  return state.stoppedAt === undefined ? '' : formatAgo(state.stoppedAt, now)
}

/** True from the click on start until the machine is off. */
export function isUp(status: VmStatus): boolean {
  return status !== 'stopped' && status !== 'failed'
}
