// SPDX-License-Identifier: Apache-2.0
// An xterm with the addons and behaviour all terminals of the window share: the shells and the
// read-only console. Its element outlives the component that shows it, so that navigating or
// switching tabs loses nothing. It is drawn only while it is shown.
import { FitAddon } from '@xterm/addon-fit'
import { SearchAddon } from '@xterm/addon-search'
import { Unicode11Addon } from '@xterm/addon-unicode11'
import { WebLinksAddon } from '@xterm/addon-web-links'
import { Terminal, type ITerminalOptions } from '@xterm/xterm'
import '@xterm/xterm/css/xterm.css'
import { call } from '../../api/client'
import { isMac } from '../../ui/platform'
import { orToast } from '../../ui/toast-store'
import { colorScheme, onColorScheme } from '../../ui/use-color-scheme'
import { usePreferences } from '../settings/preferences'
import { terminalFont, terminalThemes } from './terminal-theme'
import { drawWithWebgl } from './webgl'

const SCROLLBACK_LINES = 10_000

export class TerminalScreen {
  readonly terminal: Terminal
  readonly search = new SearchAddon()
  readonly #element = document.createElement('div')
  readonly #fit = new FitAddon()
  readonly #resizes = new ResizeObserver(() => this.fit())
  readonly #cleanups: (() => void)[] = []
  #stopWebgl: () => void = () => {}

  constructor(options: ITerminalOptions = {}) {
    const { terminalFontSize, screenReaderMode } = usePreferences.getState()
    this.terminal = new Terminal({
      allowProposedApi: true,
      cursorBlink: !matchMedia('(prefers-reduced-motion: reduce)').matches,
      fontFamily: terminalFont,
      fontSize: terminalFontSize,
      lineHeight: 1.2,
      linkHandler: { activate: openLink },
      macOptionIsMeta: true,
      minimumContrastRatio: 4.5,
      screenReaderMode,
      scrollback: SCROLLBACK_LINES,
      theme: terminalThemes[colorScheme()],
      ...options,
    })
    this.#element.className = 'terminal-screen'
    this.terminal.loadAddon(this.#fit)
    this.terminal.loadAddon(this.search)
    this.terminal.loadAddon(new Unicode11Addon())
    this.terminal.unicode.activeVersion = '11'
    this.terminal.loadAddon(new WebLinksAddon(openLink))
    this.#cleanups.push(this.#followTheme(), this.#followPreferences())
  }

  /** Puts the terminal into the page; returns the function that takes it out again. */
  show(container: HTMLElement): () => void {
    container.append(this.#element)
    if (this.terminal.element === undefined) this.terminal.open(this.#element)
    this.fit()
    this.#resizes.observe(container)
    this.#stopWebgl = drawWithWebgl(this.terminal)
    return () => {
      this.#resizes.disconnect()
      this.#stopWebgl()
      this.#element.remove()
    }
  }

  /** Takes the size of its container, if it has one. */
  fit(): void {
    if (this.#element.clientWidth > 0 && this.#element.clientHeight > 0) this.#fit.fit()
  }

  dispose(): void {
    this.#resizes.disconnect()
    for (const cleanup of this.#cleanups) cleanup()
    this.terminal.dispose()
    this.#element.remove()
  }

  #followTheme(): () => void {
    return onColorScheme(() => {
      this.terminal.options.theme = terminalThemes[colorScheme()]
    })
  }

  #followPreferences(): () => void {
    return usePreferences.subscribe(({ terminalFontSize, screenReaderMode }) => {
      this.terminal.options.fontSize = terminalFontSize
      this.terminal.options.screenReaderMode = screenReaderMode
      this.fit()
    })
  }
}

/** Links open with the modifier held, so that a click in a terminal never leaves it by accident. */
function openLink(event: MouseEvent, uri: string): void {
  if (!(isMac ? event.metaKey : event.ctrlKey)) return
  if (!/^https?:\/\//i.test(uri)) return
  void orToast('The link was not opened', call('app.openExternal', { url: uri }))
}
