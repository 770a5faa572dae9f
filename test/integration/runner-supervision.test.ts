// SPDX-License-Identifier: Apache-2.0
import { support } from '../support/runner-fixture'
import { describeSupervision } from '../support/supervision-suite'

describeSupervision(
  'QEMU’s launcher',
  { kind: 'qemu', executable: support('fake-vmm.mjs'), kernel: '/dev/null' },
  { mark: 'virtio-blk-device', pauses: true },
)
