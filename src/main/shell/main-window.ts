// SPDX-License-Identifier: Apache-2.0
// Holds the one window there may be, through closing and opening again, and ties the app's life to it:
// on macOS the app outlives its window, elsewhere closing the window quits. Machines outlive both.
import type { App, BrowserWindow } from 'electron'
import { bringToFront } from './window'

export interface MainWindowDeps {
  open(): BrowserWindow
  /** The page is gone, with all it knew: its window closed, its process died, or it loads anew. */
  pageGone(): void
}

export class MainWindow {
  readonly #deps: MainWindowDeps
  #window: BrowserWindow | undefined

  constructor(deps: MainWindowDeps) {
    this.#deps = deps
  }

  get current(): BrowserWindow | undefined {
    return this.#window
  }

  /** Opens the window, or brings it to the front. */
  readonly show = (): void => {
    if (this.#window !== undefined) {
      bringToFront(this.#window)
      return
    }
    const window = this.#deps.open()
    this.#window = window
    window.once('closed', () => {
      this.#window = undefined
      this.#deps.pageGone()
    })
    window.webContents.on('render-process-gone', () => this.#deps.pageGone())
    window.webContents.on('did-navigate', () => this.#deps.pageGone())
  }

  /** Sends to the page, if there is one. */
  send(channel: string, ...args: readonly unknown[]): void {
    const contents = this.#window?.webContents
    if (contents !== undefined && !contents.isDestroyed() && !contents.isCrashed())
      contents.send(channel, ...args)
  }
}

/** `shutDown` runs once, before the app's end, and holds it up until it is done. */
export function tieToWindow(
  app: Pick<App, 'on' | 'quit' | 'exit'>,
  platform: NodeJS.Platform,
  window: Pick<MainWindow, 'show'>,
  shutDown: () => Promise<void>,
): void {
  app.on('activate', window.show)
  app.on('window-all-closed', () => {
    if (platform !== 'darwin') app.quit()
  })
  app.on('will-quit', (event) => {
    event.preventDefault()
    void shutDown().finally(() => app.exit())
  })
}
