// SPDX-License-Identifier: Apache-2.0
import type { ReactNode } from 'react'
import { ConfirmDialog } from '../../ui/dialog'
import { isUp } from './state-text'
import { askDelete, removeVm, useActionState } from './vm-actions'
import { useVms } from './vm-store'

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
        The image {vm.spec.image} stays.
      </p>
    </ConfirmDialog>
  )
}
