// SPDX-License-Identifier: Apache-2.0
// The window's own keys. A terminal that has the focus handles its keys first; what it does not
// take arrives here. Nothing fires while a dialog is open but the keys of the dialog.
import type { IpcEvents } from '../../contract/ipc'
import { openNewMachine } from '../features/vms/new-machine/open-new-machine'
import { openShell, setPanelOpen, useTerminals } from '../features/terminal/terminal-store'
import { useVms } from '../features/vms/vm-store'
import { hasMainModifier } from '../ui/platform'
import { togglePalette } from './palette-store'
import { useRoute } from './route'

type MenuAction = IpcEvents['menu.action']

const keys: Partial<Record<string, MenuAction>> = {
  n: 'new-machine',
  k: 'command-palette',
  '`': 'toggle-terminal',
}

/** Starts listening; called once, at start. */
export function followKeys(): void {
  addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.shiftKey || event.altKey) return
    // Ctrl+` is the terminal's key on macOS too.
    const chord = hasMainModifier(event) || (event.ctrlKey && event.key === '`')
    const action = chord ? keys[event.key.toLowerCase()] : undefined
    if (action === undefined) return
    event.preventDefault()
    runMenuAction(action)
  })
}

export function runMenuAction(action: MenuAction): void {
  if (action === 'command-palette') return togglePalette()
  if (document.querySelector('[role=dialog], [role=alertdialog]') !== null) return
  if (action === 'new-machine') openNewMachine()
  else toggleTerminal()
}

/** Folds or unfolds the panel; without any terminal it opens one, if it is clear in which machine. */
function toggleTerminal(): void {
  const { open, tabs } = useTerminals.getState()
  if (open || tabs.length > 0) return setPanelOpen(!open)
  const { route } = useRoute.getState()
  const running = Object.values(useVms.getState().byId).filter(
    (vm) => vm.state.status === 'running',
  )
  const shown = route.page === 'machine' ? route.id : undefined
  const target = running.find((vm) => vm.id === shown) ?? running[0]
  if (target !== undefined) openShell(target.id)
}
