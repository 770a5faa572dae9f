// SPDX-License-Identifier: Apache-2.0
import { memo, type ReactNode } from 'react'
import type { VmView } from '../../../contract/ipc'
import { openMachine } from '../../app/route'
import { useTimeText } from '../../ui/clock'
import { formatCount, formatPercent } from '../../ui/format'
import { Sparkline } from '../../ui/sparkline'
import { StatusDot } from '../../ui/status-dot'
import { openShell } from '../terminal/terminal-store'
import { PortLinks } from './port-links'
import { sinceText, stateLine, stateText } from './state-text'
import { actionLabel, actionsFor, runAction, type VmAction } from './vm-actions'
import { useReadings, useVm } from './vm-store'

interface MachineRowProps {
  readonly id: string
  readonly rowIndex: number
  /** Pixels from the top of the table's body. */
  readonly top: number
  readonly selected: boolean
  readonly onSelect: (id: string) => void
}

/** One machine. Redrawn when this machine changes, not when another does. */
export const MachineRow = memo(function MachineRow(props: MachineRowProps): ReactNode {
  const vm = useVm(props.id)
  if (vm === undefined) return null
  return (
    <div
      className="table-row machine-grid"
      role="row"
      aria-rowindex={props.rowIndex + 2}
      aria-selected={props.selected}
      aria-label={`${vm.spec.name}, ${stateLine(stateText(vm))}`}
      data-testid={`machine-${vm.spec.name}`}
      data-status={vm.state.status}
      tabIndex={props.selected ? 0 : -1}
      style={{ transform: `translateY(${props.top}px)` }}
      onFocus={() => props.onSelect(props.id)}
      onContextMenu={() => props.onSelect(props.id)}
      onDoubleClick={() => openMachine(props.id)}
    >
      <Cells vm={vm} />
    </div>
  )
})

function Cells({ vm }: { readonly vm: VmView }): ReactNode {
  const text = stateText(vm)
  const since = useTimeText((now) => sinceText(vm.state, now))
  return (
    <>
      <span role="gridcell" className="cell-machine">
        <button
          type="button"
          className="name-link"
          tabIndex={-1}
          onClick={() => openMachine(vm.id)}
        >
          {vm.spec.name}
        </button>
      </span>
      <span role="gridcell" className={`cell-state tone-${text.tone}`}>
        <StatusDot tone={text.tone} />
        <span className="cut" title={stateLine(text)}>
          {text.word}
          {text.detail !== '' && <span className="state-detail"> · {text.detail}</span>}
        </span>
      </span>
      <span role="gridcell" className="cell-image cut" title={vm.spec.image}>
        {vm.spec.image}
      </span>
      <Usage id={vm.id} />
      <span role="gridcell" className="cell-ports">
        <PortLinks ports={vm.state.ports} />
      </span>
      <span role="gridcell" className="cell-since">
        {since}
      </span>
      <span role="gridcell" className="cell-actions">
        <RowActions vm={vm} />
      </span>
    </>
  )
}

/** CPU and memory: a tiny line and the figure. Empty cells while the machine does not run. */
function Usage({ id }: { readonly id: string }): ReactNode {
  const readings = useReadings(id)
  const last = readings.at(-1)
  return (
    <>
      <span role="gridcell" className="cell-cpu">
        {last !== undefined && (
          <>
            <Sparkline kind="cpu" max={100} values={readings.map((r) => r.cpuPercent)} />
            <span>{formatPercent(last.cpuPercent)}</span>
          </>
        )}
      </span>
      <span role="gridcell" className="cell-memory">
        {last !== undefined && (
          <>
            <Sparkline
              kind="memory"
              max={last.memoryTotalMib}
              values={readings.map((r) => r.memoryUsedMib)}
            />
            <span>
              {formatCount(last.memoryUsedMib)} / {formatCount(last.memoryTotalMib)} MB
            </span>
          </>
        )}
      </span>
    </>
  )
}

const rowActions: readonly VmAction[] = [
  'start',
  'resume',
  'stop',
  'force-stop',
  'restart',
  'shell',
]

/** The likely actions, on hover and focus; the menu has all. */
function RowActions({ vm }: { readonly vm: VmView }): ReactNode {
  const possible = actionsFor(vm)
  return rowActions
    .filter((action) => possible.includes(action))
    .map((action) => (
      <button
        key={action}
        type="button"
        className={action === 'shell' || action === 'start' ? 'row-action main' : 'row-action'}
        aria-label={`${actionLabel(action)} ${vm.spec.name}`}
        onClick={() => runAction(vm, action, openShell)}
        onDoubleClick={(event) => event.stopPropagation()}
      >
        {actionLabel(action)}
      </button>
    ))
}
