// SPDX-License-Identifier: Apache-2.0
// One tab's terminal: the screen and the shell behind it, tied together. Output is written with a
// callback and acknowledged as it is drawn, so that at most TERMINAL_WINDOW_BYTES wait here.
import { call } from '../../api/client'
import { createAckCounter } from './ack-counter'
import { cleanPaste, mustAsk } from './paste'
import { askPaste } from './paste-question'
import { ShellConnection, type ShellCalls } from './shell-connection'
import { terminalKey } from './terminal-keys'
import { TerminalScreen } from './terminal-screen'
import { closeTerminal, setPhase, setSize, stepTerminal } from './terminal-store'
import type { TerminalTab } from './tab-list'
import { isMac } from '../../ui/platform'
import { orToast } from '../../ui/toast-store'
import { usePreferences } from '../settings/preferences'

export interface SessionDeps {
  vmRuns(): boolean
  /** The user wants to search in this terminal. */
  onSearch(): void
}

const shellCalls = (vmId: string): ShellCalls => ({
  open: (terminalId, cols, rows) => call('terminals.open', { id: vmId, terminalId, cols, rows }),
  write: (terminalId, data) => call('terminals.write', { terminalId, data }),
  resize: (terminalId, cols, rows) => call('terminals.resize', { terminalId, cols, rows }),
  close: (terminalId) => call('terminals.close', { terminalId }),
})

export class TerminalSession {
  readonly screen = new TerminalScreen()
  readonly shell: ShellConnection
  readonly #tab: TerminalTab
  readonly #deps: SessionDeps
  #acknowledge: (bytes: number) => void = () => {}

  constructor(tab: TerminalTab, deps: SessionDeps) {
    this.#tab = tab
    this.#deps = deps
    this.shell = this.#makeShell()
    const { terminal } = this.screen
    terminal.onData((data) => this.shell.input(data))
    terminal.onResize(({ cols, rows }) => {
      setSize(tab.id, cols, rows)
      this.shell.resized()
    })
    terminal.attachCustomKeyEventHandler((event) => this.#onKey(event))
  }

  /** Shows the terminal; the shell is opened when it is first seen. */
  show(container: HTMLElement, label: string): () => void {
    const hide = this.screen.show(container)
    const { terminal } = this.screen
    terminal.textarea?.setAttribute('aria-label', `Input of ${label}`)
    setSize(this.#tab.id, terminal.cols, terminal.rows)
    const onPaste = (event: ClipboardEvent): void => {
      event.preventDefault()
      event.stopPropagation()
      this.#paste(event.clipboardData?.getData('text/plain') ?? '')
    }
    // Before xterm's own listener, which would paste without asking.
    container.addEventListener('paste', onPaste, { capture: true })
    this.shell.connect()
    return () => {
      container.removeEventListener('paste', onPaste, { capture: true })
      hide()
    }
  }

  /** Output of the shell with this id; of an earlier one nothing is drawn. */
  receive(terminalId: string, data: Uint8Array): void {
    if (terminalId !== this.shell.terminalId) return
    const acknowledge = this.#acknowledge
    this.screen.terminal.write(data, () => acknowledge(data.length))
  }

  copySelection(): void {
    const text = this.screen.terminal.getSelection()
    if (text !== '') void orToast('Nothing was copied', call('app.writeClipboard', { text }))
  }

  async pasteClipboard(): Promise<void> {
    await orToast(
      'Nothing was pasted',
      call('app.readClipboard').then((text) => this.#paste(text)),
    )
  }

  dispose(): void {
    this.shell.dispose()
    this.screen.dispose()
  }

  #makeShell(): ShellConnection {
    const { id, vmId } = this.#tab
    return new ShellConnection({
      calls: shellCalls(vmId),
      newId: () => this.#newTerminalId(),
      vmRuns: this.#deps.vmRuns,
      size: () => ({ cols: this.screen.terminal.cols, rows: this.screen.terminal.rows }),
      onPhase: (phase) => setPhase(id, phase),
      note: (text) => this.screen.terminal.write(`\r\n\x1b[0;2m${text}\x1b[0m\r\n`),
      onDone: () => closeTerminal(id),
    })
  }

  #newTerminalId(): string {
    const terminalId = crypto.randomUUID()
    this.#acknowledge = createAckCounter((bytes) => {
      void call('terminals.ack', { terminalId, bytes }).catch(() => {})
    })
    return terminalId
  }

  #paste(raw: string): void {
    const text = cleanPaste(raw)
    if (text === '') return
    const { terminal } = this.screen
    const bracketed = terminal.modes.bracketedPasteMode
    const paste = (): void => {
      terminal.paste(text)
      terminal.focus()
    }
    if (mustAsk(text, { bracketed, ask: usePreferences.getState().askBeforePaste }))
      askPaste({ text, paste })
    else paste()
  }

  /** False keeps the key from the shell. */
  #onKey(event: KeyboardEvent): boolean {
    const command = terminalKey(event, isMac)
    if (command === undefined) return true
    if (command === 'leave-to-page') return false
    event.preventDefault()
    if (event.type !== 'keydown') return false
    if (command === 'copy') this.copySelection()
    else if (command === 'paste') void this.pasteClipboard()
    else if (command === 'select-all') this.screen.terminal.selectAll()
    else if (command === 'search') this.#deps.onSearch()
    else stepTerminal(command === 'next-tab' ? 1 : -1)
    return false
  }
}
