// SPDX-License-Identifier: Apache-2.0
import type { Progress } from '../../contract/images'
import type { TimelineEvent } from '../../contract/vm-state'

/** The stages of a boot in order, each with what is said while it is under way. */
const stages: readonly (readonly [stage: string, message: string])[] = [
  ['network', 'Setting up the network'],
  ['vmm', 'Starting the virtual machine'],
  ['kernel', 'Booting Linux'],
  ['mounted', 'Mounting its disks'],
  ['network-up', 'Connecting the network'],
  ['sshd-ready', 'Starting the shell service'],
]

/** The stage under way: the one after the last that has ended. */
export function bootProgress(timeline: readonly TimelineEvent[]): Progress {
  const last = stages.findLastIndex(([name]) => timeline.some((event) => event.name === name))
  const [stage, message] = stages[Math.min(last + 1, stages.length - 1)] ?? ['vmm', 'Starting']
  return { stage, message }
}
