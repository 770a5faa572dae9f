// SPDX-License-Identifier: Apache-2.0
// The main window: sandboxed, isolated, without Node, showing app://microvm/ and nothing else.
import { BrowserWindow, nativeTheme, screen } from 'electron'
import type { Logger } from '../lib/logger'
import { APP_PAGE } from './app-url'
import { minimumSize, placeWindow, readBounds, writeBounds } from './window-bounds'

export interface WindowDeps {
  readonly preload: string
  /** File that remembers the window's place. */
  readonly boundsFile: string
  readonly logger: Logger
}

/** The page's own background, so that the window never flashes white before its first frame. */
const background = (): string => (nativeTheme.shouldUseDarkColors ? '#16181d' : '#fafaf8')

/** Opens the window; it shows itself once the page has drawn its first frame. */
export function openMainWindow(deps: WindowDeps): BrowserWindow {
  const saved = readBounds(deps.boundsFile)
  const window = new BrowserWindow({
    ...placeWindow(
      saved,
      screen.getAllDisplays().map((display) => display.workArea),
    ),
    minWidth: minimumSize.width,
    minHeight: minimumSize.height,
    show: false,
    backgroundColor: background(),
    autoHideMenuBar: true,
    title: 'MicroVM Desktop',
    webPreferences: {
      preload: deps.preload,
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      nodeIntegrationInWorker: false,
      nodeIntegrationInSubFrames: false,
      webSecurity: true,
      allowRunningInsecureContent: false,
      webviewTag: false,
      navigateOnDragDrop: false,
      // Its dictionaries would be downloaded.
      spellcheck: false,
    },
  })
  if (saved?.maximized === true) window.maximize()
  const followTheme = (): void => window.setBackgroundColor(background())
  nativeTheme.on('updated', followTheme)
  window.once('ready-to-show', () => window.show())
  window.on('close', () =>
    writeBounds(deps.boundsFile, {
      ...window.getNormalBounds(),
      maximized: window.isMaximized(),
    }),
  )
  window.once('closed', () => nativeTheme.off('updated', followTheme))
  reviveAfterCrash(window, deps.logger)
  void window.loadURL(APP_PAGE).catch((error: unknown) => {
    deps.logger.error('the page did not load', { error: String(error) })
  })
  return window
}

/** Shows and focuses a window that may be minimised or behind others. */
export function bringToFront(window: BrowserWindow): void {
  if (window.isMinimized()) window.restore()
  window.show()
  window.focus()
}

/** A page whose process died is loaded again, unless it has just died before: then a loop would follow. */
function reviveAfterCrash(window: BrowserWindow, logger: Logger): void {
  let lastCrash = -Infinity
  window.webContents.on('render-process-gone', (_event, details) => {
    logger.error('the page died', { reason: details.reason, exitCode: details.exitCode })
    if (details.reason === 'clean-exit' || window.isDestroyed()) return
    const repeated = Date.now() - lastCrash < 10_000
    lastCrash = Date.now()
    if (!repeated) window.reload()
  })
}
