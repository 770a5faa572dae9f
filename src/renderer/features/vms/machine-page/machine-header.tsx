// SPDX-License-Identifier: Apache-2.0
import type { ReactNode } from 'react'
import type { VmView } from '../../../../contract/ipc'
import { navigate } from '../../../app/route'
import { Button } from '../../../ui/button'
import { useTimeText } from '../../../ui/clock'
import { StatusDot } from '../../../ui/status-dot'
import { openShell } from '../../terminal/terminal-store'
import { sinceText, stateLine, stateText } from '../state-text'
import { actionLabel, actionsFor, runAction, type VmAction } from '../vm-actions'

/** Name, state, and what one can do about it; the most likely action stands out. */
export function MachineHeader({ vm }: { readonly vm: VmView }): ReactNode {
  return (
    <header className="page-header">
      <div className="crumbs">
        <button type="button" className="crumb" onClick={() => navigate({ page: 'machines' })}>
          Machines
        </button>
        <span aria-hidden>/</span>
        <h1 className="cut">{vm.spec.name}</h1>
        <StatePill vm={vm} />
      </div>
      <div className="page-actions">
        {actionsFor(vm)
          .toReversed()
          .map((action) => (
            <ActionButton key={action} vm={vm} action={action} />
          ))}
      </div>
    </header>
  )
}

function StatePill({ vm }: { readonly vm: VmView }): ReactNode {
  const text = stateText(vm)
  const since = useTimeText((now) => sinceText(vm.state, now))
  return (
    <span className="pill" role="status" data-testid="machine-state" data-status={vm.state.status}>
      <StatusDot tone={text.tone} />
      {stateLine(text)}
      {since !== '' && <span className="pill-since">· {since}</span>}
    </span>
  )
}

function ActionButton(props: { readonly vm: VmView; readonly action: VmAction }): ReactNode {
  const { vm, action } = props
  const primary = action === 'start' || action === 'resume' || isPrimaryShell(vm, action)
  const quiet = action === 'restart' || action === 'delete' || action === 'force-stop'
  return (
    <Button
      variant={primary ? 'primary' : quiet ? 'quiet' : 'secondary'}
      onClick={() => runAction(vm, action, openShell)}
    >
      {actionLabel(action)}
    </Button>
  )
}

function isPrimaryShell(vm: VmView, action: VmAction): boolean {
  return action === 'shell' && vm.state.status === 'running'
}
