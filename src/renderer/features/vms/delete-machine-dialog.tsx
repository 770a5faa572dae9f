// SPDX-License-Identifier: Apache-2.0
import type { ReactNode } from 'react'
import type { VmView } from '../../../contract/ipc'
import { isDiskUrl } from '../../../contract/vm-spec'
import { ConfirmDialog } from '../../ui/dialog'
import { isUp } from './state-text'
import { askDelete, removeVm, useActionState } from './vm-actions'
import { useVms } from './vm-store'

/** Only what the machine wrote into copies of downloads goes with it. */
function diskNote(disks: VmView['spec']['disks']): string {
  const files = disks.some(({ source }) => !isDiskUrl(source))
  const copies = disks.some(({ source, readOnly }) => isDiskUrl(source) && !readOnly)
  const stay = files ? ', and so do the disk files you gave it' : ''
  return copies ? `${stay}; what it wrote to downloaded disks goes` : stay
}

/** Asks once, naming the machine. */
export function DeleteMachineDialog(): ReactNode {
  const id = useActionState((state) => state.deleting)
  const vm = useVms((state) => (id === undefined ? undefined : state.byId[id]))
  if (vm === undefined) return null
  const running = isUp(vm.state.status)
  return (
    <ConfirmDialog
      title={`Delete ${vm.spec.name}?`}
      action="Delete"
      danger
      onConfirm={() => removeVm(vm)}
      onClose={() => askDelete(undefined)}
    >
      <p>
        {running ? 'The machine is stopped, then its' : 'Its'} disk and logs are deleted for good.
        The image {vm.spec.image} stays{diskNote(vm.spec.disks)}.
      </p>
    </ConfirmDialog>
  )
}
