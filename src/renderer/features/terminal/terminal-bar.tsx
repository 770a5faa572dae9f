// SPDX-License-Identifier: Apache-2.0
import { DropdownMenu } from 'radix-ui'
import { memo, type KeyboardEvent, type ReactNode } from 'react'
import { useShallow } from 'zustand/react/shallow'
import { formatPlural } from '../../ui/format'
import { IconButton } from '../../ui/button'
import { ChevronDownIcon, ChevronUpIcon, CloseIcon, PlusIcon } from '../../ui/icons'
import { keyText } from '../../ui/platform'
import { StatusDot, type Tone } from '../../ui/status-dot'
import { useVm, useVms } from '../vms/vm-store'
import type { ShellPhase } from './shell-connection'
import {
  addTerminal,
  closeTerminal,
  setPanelOpen,
  showTerminal,
  stepTerminal,
  useTerminals,
} from './terminal-store'
import type { TerminalTab } from './tab-list'

/** Tabs, "+", the size of the terminal in front, and the button that folds the panel. */
export function TerminalBar(props: { readonly status: ReactNode }): ReactNode {
  const open = useTerminals((state) => state.open)
  const tabs = useTerminals((state) => state.tabs)
  const active = useTerminals((state) => state.active)
  const front = tabs.find((tab) => tab.id === active)
  return (
    <div className="terminal-bar">
      {open ? <TabList tabs={tabs} active={active} /> : <FoldedLabel count={tabs.length} />}
      <div className="terminal-bar-end">
        {props.status}
        {open && front !== undefined && <SizeText tab={front} />}
        {open && (
          <IconButton
            label={`Hide terminals (${keyText('`')})`}
            aria-expanded
            onClick={() => setPanelOpen(false)}
          >
            <ChevronDownIcon />
          </IconButton>
        )}
      </div>
    </div>
  )
}

function FoldedLabel({ count }: { readonly count: number }): ReactNode {
  if (count === 0) return <NewTerminalMenu label="Terminals" />
  return (
    <button
      type="button"
      className="terminals-folded"
      aria-expanded={false}
      aria-label={`Show ${formatPlural(count, 'terminal')}`}
      onClick={() => setPanelOpen(true)}
    >
      <ChevronUpIcon /> Terminals · {count}
    </button>
  )
}

interface TabListProps {
  readonly tabs: readonly TerminalTab[]
  readonly active: string | undefined
}

function TabList({ tabs, active }: TabListProps): ReactNode {
  return (
    <div className="terminal-tabs">
      <div className="terminal-tab-list" role="tablist" aria-label="Terminals">
        {tabs.map((tab) => (
          <Tab key={tab.id} tab={tab} active={tab.id === active} />
        ))}
      </div>
      <NewTerminalMenu />
    </div>
  )
}

function onTabKey(event: KeyboardEvent<HTMLElement>): void {
  const { active } = useTerminals.getState()
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key]
  if (step !== undefined) stepTerminal(step)
  else if (event.key === 'Delete' && active !== undefined) closeTerminal(active)
}

const phaseTones: Record<ShellPhase, Tone> = {
  open: 'good',
  connecting: 'busy',
  waiting: 'off',
  ended: 'off',
}
const phaseWords: Record<ShellPhase, string> = {
  open: 'connected',
  connecting: 'connecting',
  waiting: 'machine is off',
  ended: 'shell ended',
}

const Tab = memo(function Tab(props: {
  readonly tab: TerminalTab
  readonly active: boolean
}): ReactNode {
  const { tab, active } = props
  const name = useVm(tab.vmId)?.spec.name ?? '…'
  const phase = useTerminals((state) => state.phases[tab.id]) ?? 'waiting'
  return (
    <div className={active ? 'terminal-tab active' : 'terminal-tab'} data-phase={phase}>
      <button
        type="button"
        role="tab"
        id={`tab-${tab.id}`}
        aria-selected={active}
        aria-controls={`terminal-${tab.id}`}
        aria-label={`${name}, ${phaseWords[phase]}`}
        tabIndex={active ? 0 : -1}
        data-testid="terminal-tab"
        onKeyDown={onTabKey}
        onClick={() => showTerminal(tab.id)}
        onAuxClick={(event) => event.button === 1 && closeTerminal(tab.id)}
      >
        <StatusDot tone={phaseTones[phase]} /> {name}
      </button>
      <button
        type="button"
        className="tab-close"
        tabIndex={-1}
        aria-label={`Close terminal of ${name}`}
        onClick={() => closeTerminal(tab.id)}
      >
        <CloseIcon />
      </button>
    </div>
  )
})

function NewTerminalMenu({ label }: { readonly label?: string }): ReactNode {
  const running = useVms(
    useShallow((state) =>
      Object.values(state.byId)
        .filter((vm) => vm.state.status === 'running')
        .map((vm) => vm.id),
    ),
  )
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger
        className={label === undefined ? 'icon-button' : 'terminals-folded'}
        aria-label="New terminal"
        title="New terminal"
      >
        {label === undefined ? <PlusIcon /> : <ChevronUpIcon />}
        {label}
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content className="menu" align="start" side="top" sideOffset={6}>
          <DropdownMenu.Label className="menu-label">New terminal in</DropdownMenu.Label>
          {running.map((id) => (
            <MachineItem key={id} id={id} />
          ))}
          {running.length === 0 && (
            <DropdownMenu.Item className="menu-item" disabled>
              No machine runs
            </DropdownMenu.Item>
          )}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  )
}

function MachineItem({ id }: { readonly id: string }): ReactNode {
  const name = useVm(id)?.spec.name ?? ''
  return (
    <DropdownMenu.Item className="menu-item" onSelect={() => addTerminal(id)}>
      {name}
    </DropdownMenu.Item>
  )
}

function SizeText({ tab }: { readonly tab: TerminalTab }): ReactNode {
  const name = useVm(tab.vmId)?.spec.name ?? '…'
  const size = useTerminals((state) => state.sizes[tab.id])
  return (
    <span className="terminal-size" data-testid="terminal-status">
      root@{name}
      {size === undefined ? '' : ` · ${size}`}
    </span>
  )
}
