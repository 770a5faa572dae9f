// SPDX-License-Identifier: Apache-2.0
// The sessions of all tabs: made when a tab is first shown, gone with its tab. Passes on what comes
// from main: output, ends of shells, and machines that start or stop.
import { create } from 'zustand'
import { on } from '../../api/client'
import { useVms } from '../vms/vm-store'
import { TerminalSession } from './terminal-session'
import { closeTerminalsOf, useTerminals } from './terminal-store'
import type { TerminalTab } from './tab-list'

const sessions = new Map<string, TerminalSession>()

/** The tab whose search bar is open. */
export const useTerminalSearch = create<{ readonly tab: string | undefined }>(() => ({
  tab: undefined,
}))

export function sessionOf(tab: TerminalTab): TerminalSession {
  const known = sessions.get(tab.id)
  if (known !== undefined) return known
  const session = new TerminalSession(tab, {
    vmRuns: () => vmRuns(tab.vmId),
    onSearch: () => useTerminalSearch.setState({ tab: tab.id }),
  })
  sessions.set(tab.id, session)
  return session
}

function vmRuns(id: string): boolean {
  return useVms.getState().byId[id]?.state.status === 'running'
}

/** Starts passing events on; called once, at start. */
export function followTerminals(): void {
  on('terminal.data', ({ terminalId, data }) => {
    for (const session of sessions.values()) session.receive(terminalId, data)
  })
  on('terminal.closed', (event) => {
    for (const session of sessions.values()) session.shell.closed(event)
  })
  useTerminals.subscribe(({ tabs }, before) => {
    if (tabs !== before.tabs) disposeAllBut(new Set(tabs.map((tab) => tab.id)))
  })
  useVms.subscribe(({ load, byId }, before) => {
    if (byId === before.byId || load !== 'ready') return
    closeTerminalsOf((vmId) => byId[vmId] === undefined)
    for (const { id, vmId } of useTerminals.getState().tabs) {
      const runs = byId[vmId]?.state.status === 'running'
      const ran = before.byId[vmId]?.state.status === 'running'
      if (runs !== ran) sessions.get(id)?.shell.vmChanged(runs)
    }
  })
}

function disposeAllBut(kept: ReadonlySet<string>): void {
  for (const [id, session] of sessions) {
    if (kept.has(id)) continue
    session.dispose()
    sessions.delete(id)
  }
}
