// SPDX-License-Identifier: Apache-2.0
import { ContextMenu } from 'radix-ui'
import type { ReactNode } from 'react'
import { call } from '../../api/client'
import type { VmView } from '../../../contract/ipc'
import { openMachine } from '../../app/route'
import { orToast } from '../../ui/toast-store'
import { openShell } from '../terminal/terminal-store'
import { useVm } from './vm-store'
import { actionLabel, actionsFor, runAction, type VmAction } from './vm-actions'

const keys: Partial<Record<VmAction, string>> = {
  start: 'S',
  stop: 'S',
  restart: 'R',
  shell: 'T',
  delete: 'Del',
}

/** Everything one can do with a machine, at the pointer. */
export function MachineMenu({ id }: { readonly id: string }): ReactNode {
  const vm = useVm(id)
  return vm === undefined ? null : <Content vm={vm} />
}

function Content({ vm }: { readonly vm: VmView }): ReactNode {
  const actions = actionsFor(vm).filter((action) => action !== 'delete')
  const copy = (text: string): void =>
    void orToast('Nothing was copied', call('app.writeClipboard', { text }))
  return (
    <ContextMenu.Portal>
      <ContextMenu.Content className="menu" aria-label={`Actions of ${vm.spec.name}`}>
        <Item label="Open" keys="Enter" run={() => openMachine(vm.id)} />
        <Item label="Console log" run={() => openMachine(vm.id, 'console')} />
        <ContextMenu.Separator className="menu-line" />
        {actions.map((action) => (
          <Item
            key={action}
            label={actionLabel(action)}
            keys={keys[action]}
            run={() => runAction(vm, action, openShell)}
          />
        ))}
        <ContextMenu.Separator className="menu-line" />
        <Item label="Copy name" run={() => copy(vm.spec.name)} />
        <Item label="Copy id" run={() => copy(vm.id)} />
        <ContextMenu.Separator className="menu-line" />
        <Item label="Delete…" keys="Del" danger run={() => runAction(vm, 'delete', openShell)} />
      </ContextMenu.Content>
    </ContextMenu.Portal>
  )
}

interface ItemProps {
  readonly label: string
  readonly keys?: string | undefined
  readonly danger?: boolean
  readonly run: () => void
}

function Item({ label, keys: shortcut, danger, run }: ItemProps): ReactNode {
  return (
    <ContextMenu.Item className={danger === true ? 'menu-item danger' : 'menu-item'} onSelect={run}>
      {label}
      {shortcut !== undefined && (
        <span className="menu-key" aria-hidden>
          {shortcut}
        </span>
      )}
    </ContextMenu.Item>
  )
}
