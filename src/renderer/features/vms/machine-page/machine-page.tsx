// SPDX-License-Identifier: Apache-2.0
// One machine: header with state and actions, and a tab for each side of it. What it is doing
// (launching, failed, paused) stands above the tabs.
import { Tabs } from 'radix-ui'
import { useEffect, useRef, type ReactNode } from 'react'
import type { VmView } from '../../../../contract/ipc'
import { machineTabs, navigate, openMachine, type MachineTab } from '../../../app/route'
import { Button } from '../../../ui/button'
import { EmptyState, SkeletonRows } from '../../../ui/feedback'
import { useVm, useVms } from '../vm-store'
import { ConsoleTab } from './console-tab'
import { MachineHeader } from './machine-header'
import { MachineNotice } from './machine-notice'
import { NetworkTab } from './network-tab'
import { OverviewTab } from './overview-tab'
import { SettingsTab } from './settings-tab'
import './machine-page.css'

interface MachinePageProps {
  readonly id: string
  readonly tab: MachineTab
}

const showList = (): void => navigate({ page: 'machines' })

export function MachinePage({ id, tab }: MachinePageProps): ReactNode {
  const vm = useVm(id)
  const load = useVms((state) => state.load)
  useLeaveWhenGone(vm !== undefined)
  if (vm === undefined)
    return (
      <main className="page" aria-label="Machine">
        {load === 'loading' ? (
          <SkeletonRows rows={5} />
        ) : (
          <EmptyState title="This machine does not exist any more">
            <Button onClick={showList}>Show all machines</Button>
          </EmptyState>
        )}
      </main>
    )
  return (
    <main className="page" aria-label={`Machine ${vm.spec.name}`}>
      <MachineHeader vm={vm} />
      <Tabs.Root
        className="tabs"
        value={tab}
        onValueChange={(value) => openMachine(id, value as MachineTab)}
      >
        <Tabs.List className="tab-list" aria-label="Machine">
          {machineTabs.map((name) => (
            <Tabs.Trigger key={name} className="tab" value={name}>
              {tabTitles[name]}
            </Tabs.Trigger>
          ))}
        </Tabs.List>
        <MachineNotice vm={vm} />
        {machineTabs.map((name) => (
          <Tabs.Content key={name} className={`tab-content tab-${name}`} value={name}>
            {tabContent[name](vm)}
          </Tabs.Content>
        ))}
      </Tabs.Root>
    </main>
  )
}

const tabTitles: Record<MachineTab, string> = {
  overview: 'Overview',
  console: 'Console',
  network: 'Network',
  settings: 'Settings',
}

const tabContent: Record<MachineTab, (vm: VmView) => ReactNode> = {
  overview: (vm) => <OverviewTab vm={vm} />,
  console: (vm) => <ConsoleTab key={vm.id} id={vm.id} name={vm.spec.name} />,
  network: (vm) => <NetworkTab vm={vm} />,
  settings: (vm) => <SettingsTab vm={vm} />,
}

/** A machine deleted while its page shows takes the page with it. */
function useLeaveWhenGone(exists: boolean): void {
  const existed = useRef(false)
  useEffect(() => {
    if (existed.current && !exists) showList()
    existed.current = exists
  }, [exists])
}
