// SPDX-License-Identifier: Apache-2.0
import type { BackendChoice } from '../../../contract/vm-state'

const names: Record<BackendChoice['name'], string> = { qemu: 'QEMU', libkrun: 'libkrun' }
const accelerators: Record<BackendChoice['accelerator'], string> = {
  kvm: 'KVM',
  hvf: 'HVF',
  tcg: 'tcg',
}

/** What runs a machine: "QEMU · tcg". */
export function backendName(choice: BackendChoice): string {
  return `${names[choice.name]} · ${accelerators[choice.accelerator]}`
}
