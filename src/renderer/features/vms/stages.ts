// SPDX-License-Identifier: Apache-2.0
// The stages of a launch, in order and in words (the names are those of VmState.timeline). Pure.

interface Stage {
  readonly name: string
  readonly label: string
  /** What happens in it, one line. */
  readonly about: string
}

export const stages: readonly Stage[] = [
  { name: 'image', label: 'image', about: 'Find the image, pull what is missing' },
  { name: 'disk', label: 'disk', about: 'Make the image disk and the machine’s own' },
  { name: 'network', label: 'network', about: 'Start the network and the port forwards' },
  { name: 'vmm', label: 'hypervisor', about: 'Start the virtual machine' },
  { name: 'kernel', label: 'kernel', about: 'Boot Linux until its first process' },
  { name: 'mounted', label: 'file systems', about: 'Mount the image and the machine’s disk' },
  { name: 'network-up', label: 'guest network', about: 'Bring up the network in the guest' },
  { name: 'sshd-ready', label: 'SSH', about: 'Start the SSH server' },
  { name: 'entrypoint', label: 'command', about: 'Start the image’s command' },
]

const byName = new Map(stages.map((stage) => [stage.name, stage]))

/** A stage's name for people; an unknown one is shown as it is. */
export function stageLabel(name: string): string {
  return byName.get(name)?.label ?? name
}

/** One line about a stage; '' for an unknown one. */
export function stageAbout(name: string): string {
  return byName.get(name)?.about ?? ''
}

/** The stage after `name`; the first if nothing ended yet, '' after the last. */
export function nextStage(name: string | undefined): string {
  const index = stages.findIndex((stage) => stage.name === name)
  return stages[index + 1]?.name ?? ''
}
