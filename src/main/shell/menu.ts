// SPDX-License-Identifier: Apache-2.0
// The application menu and its shortcuts. Keys the terminal uses itself (Ctrl+K, Ctrl+N in a shell)
// reach it first: a shortcut only fires when the page has not handled the key.
import type { MenuItemConstructorOptions } from 'electron'
import type { IpcEvents } from '../../contract/ipc'

export interface MenuDeps {
  readonly platform: NodeJS.Platform
  readonly appName: string
  /** Built for users: no reload, no developer tools. */
  readonly packaged: boolean
  send(action: IpcEvents['menu.action']): void
  showLog(): void
  showDataFolder(): void
}

/** What Electron's Menu.buildFromTemplate takes. */
export function menuTemplate(deps: MenuDeps): MenuItemConstructorOptions[] {
  const mac = deps.platform === 'darwin'
  return [
    ...(mac ? [{ label: deps.appName, role: 'appMenu' as const }] : []),
    machineMenu(deps, mac),
    editMenu(),
    viewMenu(deps),
    { role: 'windowMenu' },
    {
      role: 'help',
      submenu: [
        { label: 'Show log', click: deps.showLog },
        { label: 'Show data folder', click: deps.showDataFolder },
      ],
    },
  ]
}

function machineMenu(deps: MenuDeps, mac: boolean): MenuItemConstructorOptions {
  return {
    label: '&Machine',
    submenu: [
      {
        label: 'New machine…',
        accelerator: 'CmdOrCtrl+N',
        click: () => deps.send('new-machine'),
      },
      { type: 'separator' },
      // Ctrl+W is "delete word" to everyone who lives in a shell: on other systems than macOS
      // it must not close the window.
      { role: 'close', accelerator: mac ? 'Cmd+W' : 'Ctrl+Shift+W' },
      ...(mac ? [] : [{ role: 'quit' as const }]),
    ],
  }
}

function editMenu(): MenuItemConstructorOptions {
  return {
    label: '&Edit',
    submenu: [
      { role: 'undo' },
      { role: 'redo' },
      { type: 'separator' },
      { role: 'cut' },
      { role: 'copy' },
      { role: 'paste' },
      { role: 'selectAll' },
    ],
  }
}

function viewMenu(deps: MenuDeps): MenuItemConstructorOptions {
  const forDevelopers: MenuItemConstructorOptions[] = [
    { type: 'separator' },
    { role: 'reload', accelerator: 'CmdOrCtrl+Shift+R' },
    { role: 'toggleDevTools' },
  ]
  return {
    label: '&View',
    submenu: [
      {
        label: 'Command palette…',
        accelerator: 'CmdOrCtrl+K',
        click: () => deps.send('command-palette'),
      },
      {
        label: 'Terminal',
        accelerator: 'CmdOrCtrl+`',
        click: () => deps.send('toggle-terminal'),
      },
      { type: 'separator' },
      { role: 'resetZoom' },
      { role: 'zoomIn' },
      // The same key without Shift, which is where most keyboards have the plus sign.
      {
        role: 'zoomIn',
        accelerator: 'CmdOrCtrl+=',
        visible: false,
        acceleratorWorksWhenHidden: true,
      },
      { role: 'zoomOut' },
      { type: 'separator' },
      { role: 'togglefullscreen' },
      ...(deps.packaged ? [] : forDevelopers),
    ],
  }
}
