// SPDX-License-Identifier: Apache-2.0
// The terminal panel: its tabs, which one is in front, whether and how high it is open. Kept in
// localStorage, so that the tabs are there again after a restart of the app.
import { z } from 'zod'
import { create } from 'zustand'
import { vmIdSchema } from '../../../contract/vm-spec'
import { readStored, writeStored } from '../../ui/stored'
import type { ShellPhase } from './shell-connection'
import { nextTab, withoutTab, type TerminalTab } from './tab-list'

const KEY = 'terminals'
export const panelHeight = { min: 96, usual: 290 } as const

const storedSchema = z.object({
  open: z.boolean().catch(false).default(false),
  /** Pixels. */
  height: z.number().min(panelHeight.min).catch(panelHeight.usual).default(panelHeight.usual),
  tabs: z
    .array(z.object({ id: z.string().min(1).max(64), vmId: vmIdSchema }))
    .max(100)
    .catch([])
    .default([]),
  active: z.string().optional().catch(undefined),
})
type Stored = z.infer<typeof storedSchema>

export interface TerminalsState {
  readonly open: boolean
  readonly height: number
  readonly tabs: readonly TerminalTab[]
  readonly active: string | undefined
  readonly phases: Readonly<Record<string, ShellPhase>>
  /** "132×14" by tab. */
  readonly sizes: Readonly<Record<string, string>>
  /** Grows when the terminal in front should take the keys. */
  readonly focusAsked: number
}

export const useTerminals = create<TerminalsState>(() => ({
  ...withActive(readStored(localStorage, KEY, storedSchema)),
  phases: {},
  sizes: {},
  focusAsked: 0,
}))

function withActive(stored: Stored): Pick<TerminalsState, 'open' | 'height' | 'tabs' | 'active'> {
  const { tabs, height } = stored
  const active = tabs.some((tab) => tab.id === stored.active) ? stored.active : tabs[0]?.id
  return { open: stored.open && tabs.length > 0, height, tabs, active }
}

function change(patch: Partial<TerminalsState>): void {
  useTerminals.setState(patch)
  const { open, height, tabs, active } = useTerminals.getState()
  writeStored(localStorage, KEY, { open, height, tabs, active })
}

/** A further terminal for a machine, in front. */
export function addTerminal(vmId: string): void {
  const { tabs } = useTerminals.getState()
  const tab = { id: crypto.randomUUID(), vmId }
  change({ tabs: [...tabs, tab] })
  showTerminal(tab.id)
}

/** The terminal of a machine: the one it has, else a new one. */
export function openShell(vmId: string): void {
  const { tabs, active } = useTerminals.getState()
  const own = tabs.filter((tab) => tab.vmId === vmId)
  const tab = own.find(({ id }) => id === active) ?? own.at(-1)
  if (tab === undefined) addTerminal(vmId)
  else showTerminal(tab.id)
}

/** Brings a tab to the front, opens the panel, gives it the keys. */
export function showTerminal(id: string): void {
  change({ active: id, open: true, focusAsked: useTerminals.getState().focusAsked + 1 })
}

export function closeTerminal(id: string): void {
  change(withoutTab(useTerminals.getState(), id))
}

/** Machines that are gone take their terminals with them. */
export function closeTerminalsOf(gone: (vmId: string) => boolean): void {
  for (const tab of useTerminals.getState().tabs) if (gone(tab.vmId)) closeTerminal(tab.id)
}

export function setPanelHeight(height: number): void {
  change({ height: Math.max(panelHeight.min, Math.round(height)) })
}

export function setPanelOpen(open: boolean): void {
  const { focusAsked } = useTerminals.getState()
  change(open ? { open, focusAsked: focusAsked + 1 } : { open })
}

/** The tab `step` places to the right of the one in front, round the corner. */
export function stepTerminal(step: number): void {
  const { tabs, active } = useTerminals.getState()
  const next = nextTab(tabs, active, step)
  if (next !== undefined) showTerminal(next.id)
}

export function setPhase(id: string, phase: ShellPhase): void {
  useTerminals.setState(({ phases }) => ({ phases: { ...phases, [id]: phase } }))
}

export function setSize(id: string, cols: number, rows: number): void {
  useTerminals.setState(({ sizes }) => ({ sizes: { ...sizes, [id]: `${cols}×${rows}` } }))
}
