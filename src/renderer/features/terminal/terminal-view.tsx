// SPDX-License-Identifier: Apache-2.0
import { ContextMenu } from 'radix-ui'
import { useEffect, useRef, type ReactNode } from 'react'
import { Button } from '../../ui/button'
import { isMac } from '../../ui/platform'
import { runAction } from '../vms/vm-actions'
import { useVm } from '../vms/vm-store'
import { TerminalSearch } from './terminal-search'
import type { TerminalSession } from './terminal-session'
import { sessionOf, useTerminalSearch } from './terminal-sessions'
import { openShell, useTerminals } from './terminal-store'
import type { TerminalTab } from './tab-list'

interface TerminalViewProps {
  readonly tab: TerminalTab
  /** In front, in an open panel. */
  readonly shown: boolean
}

/** The place of one tab's terminal. */
export function TerminalView({ tab, shown }: TerminalViewProps): ReactNode {
  const name = useVm(tab.vmId)?.spec.name ?? '…'
  const phase = useTerminals((state) => state.phases[tab.id])
  const searching = useTerminalSearch((state) => state.tab === tab.id)
  const label = `Terminal of ${name}`
  return (
    <div
      className="terminal-view"
      id={`terminal-${tab.id}`}
      role="tabpanel"
      aria-label={label}
      data-testid="terminal"
      data-phase={phase}
      hidden={!shown}
    >
      {searching && (
        <TerminalSearch
          screen={sessionOf(tab).screen}
          onClose={() => {
            useTerminalSearch.setState({ tab: undefined })
            sessionOf(tab).screen.terminal.focus()
          }}
        />
      )}
      {shown && <Screen tab={tab} label={label} />}
      {phase === 'waiting' && <WaitingNote id={tab.vmId} />}
    </div>
  )
}

/** Over the terminal, so that its size stays as it is. */
function WaitingNote({ id }: { readonly id: string }): ReactNode {
  const vm = useVm(id)
  if (vm === undefined) return null
  const { status } = vm.state
  const off = status === 'stopped' || status === 'failed'
  return (
    <div className="terminal-waiting">
      <span>
        {off ? `${vm.spec.name} is off.` : `${vm.spec.name} is ${status}.`} A shell opens here when
        it runs.
      </span>
      {off && <Button onClick={() => runAction(vm, 'start', openShell)}>Start</Button>}
    </div>
  )
}

function Screen({ tab, label }: { readonly tab: TerminalTab; readonly label: string }): ReactNode {
  const place = useRef<HTMLDivElement>(null)
  const focusAsked = useTerminals((state) => state.focusAsked)
  const session = sessionOf(tab)
  useEffect(() => {
    if (place.current === null) return undefined
    return session.show(place.current, label)
  }, [session, label])
  useEffect(() => {
    // A dialog in front keeps the keys.
    if (focusAsked > 0 && document.querySelector('[role=dialog], [role=alertdialog]') === null)
      session.screen.terminal.focus()
  }, [session, focusAsked])
  return (
    <ContextMenu.Root modal={false}>
      <ContextMenu.Trigger asChild>
        <div className="terminal-place" ref={place} />
      </ContextMenu.Trigger>
      <TerminalMenu tab={tab} session={session} />
    </ContextMenu.Root>
  )
}

interface TerminalMenuProps {
  readonly tab: TerminalTab
  readonly session: TerminalSession
}

function TerminalMenu({ tab, session }: TerminalMenuProps): ReactNode {
  const { terminal } = session.screen
  const chord = (key: string): string => (isMac ? `⌘ ${key}` : `Ctrl Shift ${key}`)
  const items: readonly [string, string, () => void][] = [
    ['Copy', chord('C'), () => session.copySelection()],
    ['Paste', chord('V'), () => void session.pasteClipboard()],
    ['Select all', chord('A'), () => terminal.selectAll()],
    ['Search', chord('F'), () => useTerminalSearch.setState({ tab: tab.id })],
    ['Clear', '', () => terminal.clear()],
  ]
  return (
    <ContextMenu.Portal>
      <ContextMenu.Content
        className="menu"
        onCloseAutoFocus={(event) => {
          event.preventDefault()
          if (useTerminalSearch.getState().tab !== tab.id) terminal.focus()
        }}
      >
        {items.map(([label, keys, run]) => (
          <ContextMenu.Item key={label} className="menu-item" onSelect={run}>
            {label}
            <span className="menu-key">{keys}</span>
          </ContextMenu.Item>
        ))}
      </ContextMenu.Content>
    </ContextMenu.Portal>
  )
}
