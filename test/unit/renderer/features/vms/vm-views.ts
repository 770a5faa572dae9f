// SPDX-License-Identifier: Apache-2.0
// Machines for tests of the window.
import type { VmView } from '../../../../../src/contract/ipc'
import { vmSpecSchema, type VmSpecInput } from '../../../../../src/contract/vm-spec'
import type { VmState, VmStatus } from '../../../../../src/contract/vm-state'

interface Parts {
  readonly id?: string
  readonly spec?: Partial<VmSpecInput>
  readonly state?: Partial<VmState>
  readonly view?: Partial<VmView>
}

export function vmView(name: string, status: VmStatus, parts: Parts = {}): VmView {
  return {
    id: parts.id ?? name,
    spec: vmSpecSchema.parse({ name, image: 'starter', ...parts.spec }),
    state: { version: 1, status, ports: [], timeline: [], ...parts.state },
    createdAt: 0,
    ...parts.view,
  }
}
