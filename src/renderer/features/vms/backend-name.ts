// SPDX-License-Identifier: Apache-2.0
import type { BackendChoice } from '../../../contract/vm-state'

export const backendTitles: Record<BackendChoice['name'], string> = {
  qemu: 'QEMU',
  libkrun: 'libkrun',
}
const accelerators: Record<BackendChoice['accelerator'], string> = {
  kvm: 'KVM',
  hvf: 'HVF',
  tcg: 'tcg',
}

/** What runs a machine: "QEMU · tcg". */
export function backendName(choice: BackendChoice): string {
  return `${backendTitles[choice.name]} · ${accelerators[choice.accelerator]}`
}
