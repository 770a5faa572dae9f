// SPDX-License-Identifier: Apache-2.0
// The console log on a read-only terminal: colours, search and selection as in a shell.
import { call, on } from '../../../api/client'
import { orToast, toastInfo } from '../../../ui/toast-store'
import { TerminalScreen } from '../../terminal/terminal-screen'
import { BoundedWriter } from './bounded-writer'
import { isVisible } from './visible-text'

export interface ConsoleListeners {
  onFollows(follows: boolean): void
  onError(error: unknown): void
  /** There is something to see. */
  onOutput(): void
}

export class ConsoleScreen {
  readonly screen = new TerminalScreen({
    disableStdin: true,
    cursorBlink: false,
    cursorInactiveStyle: 'none',
    convertEol: true,
  })
  readonly #id: string
  #listeners: ConsoleListeners | undefined
  readonly #writer: BoundedWriter
  #cleanups: (() => void)[] = []
  /** Output that came before the past output did. */
  #early: string[] | undefined = []
  #disposed = false

  constructor(id: string) {
    this.#id = id
    const { terminal } = this.screen
    this.#writer = new BoundedWriter((text, done) => {
      if (isVisible(text)) this.#listeners?.onOutput()
      terminal.write(text, done)
    })
    terminal.onScroll(() => this.#tellFollows())
    terminal.attachCustomKeyEventHandler(() => false)
  }

  /** Shows the log in the page and begins to follow it. */
  show(container: HTMLElement, listeners: ConsoleListeners): void {
    this.#listeners = listeners
    this.#cleanups.push(this.screen.show(container))
    const onWheel = (): void => void requestAnimationFrame(() => this.#tellFollows())
    container.addEventListener('wheel', onWheel, { passive: true })
    this.#cleanups.push(() => container.removeEventListener('wheel', onWheel))
    this.screen.terminal.textarea?.setAttribute('aria-label', 'Console log')
    this.screen.terminal.textarea?.setAttribute('aria-readonly', 'true')
    const stop = on('console.data', ({ id, data }) => {
      if (id !== this.#id) return
      if (this.#early !== undefined) this.#early.push(data)
      else this.#writer.write(data)
    })
    this.#cleanups.push(stop)
    void this.begin()
  }

  follow(follows: boolean): void {
    if (follows) this.screen.terminal.scrollToBottom()
    else this.screen.terminal.scrollLines(-1)
    this.#tellFollows()
  }

  /** Copies the selection, or everything there is. */
  copy(): void {
    const { terminal } = this.screen
    const selected = terminal.getSelection()
    if (selected === '') terminal.selectAll()
    const text = selected === '' ? terminal.getSelection() : selected
    if (selected === '') terminal.clearSelection()
    void orToast('Nothing was copied', call('app.writeClipboard', { text })).then((copied) => {
      if (copied) toastInfo(selected === '' ? 'Console log copied' : 'Selection copied')
    })
  }

  dispose(): void {
    this.#disposed = true
    for (const cleanup of this.#cleanups) cleanup()
    this.screen.dispose()
    // If the app is on its way out there is nothing left to unfollow.
    void call('console.unfollow', { id: this.#id }).catch(() => {})
  }

  /** Asks for the past output; what comes meanwhile is drawn after it. Again after a failure. */
  async begin(): Promise<void> {
    try {
      const past = await call('console.follow', { id: this.#id })
      if (this.#disposed) return
      this.#writer.write(past)
      for (const data of this.#early ?? []) this.#writer.write(data)
      this.#early = undefined
    } catch (error) {
      if (!this.#disposed) this.#listeners?.onError(error)
    }
  }

  #tellFollows(): void {
    const { viewportY, baseY } = this.screen.terminal.buffer.active
    this.#listeners?.onFollows(viewportY >= baseY)
  }
}
