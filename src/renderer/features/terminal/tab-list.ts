// SPDX-License-Identifier: Apache-2.0
// The row of terminal tabs. Pure.

export interface TerminalTab {
  readonly id: string
  readonly vmId: string
}

interface Panel {
  readonly open: boolean
  readonly tabs: readonly TerminalTab[]
  readonly active: string | undefined
}

/** The panel without one tab: its neighbour comes to the front; with the last the panel closes. */
export function withoutTab({ open, tabs, active }: Panel, id: string): Panel {
  const index = tabs.findIndex((tab) => tab.id === id)
  const left = tabs.filter((tab) => tab.id !== id)
  const neighbour = left[Math.min(index, left.length - 1)]?.id
  return { tabs: left, active: active === id ? neighbour : active, open: open && left.length > 0 }
}

/** The tab `step` places to the right of the one in front, round the corner. */
export function nextTab(
  tabs: readonly TerminalTab[],
  active: string | undefined,
  step: number,
): TerminalTab | undefined {
  const index = tabs.findIndex((tab) => tab.id === active)
  return tabs[(index + step + tabs.length) % tabs.length]
}
