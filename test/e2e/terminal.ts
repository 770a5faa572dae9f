// SPDX-License-Identifier: Apache-2.0
// The terminal in front, as a user sees and uses it.
import type { Locator, Page } from 'playwright-core'
import { expect } from 'vitest'

/** Milliseconds a guest may take to answer here: emulated, on a machine with other work. */
const ANSWER_MS = 60_000

export class FrontTerminal {
  readonly view: Locator
  readonly #page: Page

  constructor(page: Page) {
    this.#page = page
    this.view = page.locator('[data-testid=terminal]:not([hidden])')
  }

  /** The lines on screen, without the blanks at their ends. */
  async lines(): Promise<string[]> {
    const rows = await this.view.locator('.xterm-rows > div').allTextContents()
    return rows.map((row) => row.replaceAll('\u00a0', ' ').trimEnd())
  }

  /** Waits until the whole screen matches. */
  async shows(wanted: RegExp, timeout = ANSWER_MS): Promise<void> {
    await expect
      .poll(async () => (await this.lines()).join('\n'), { timeout, interval: 100 })
      .toMatch(wanted)
  }

  /** Waits for a shell that waits for input: its prompt ends the last line there is. */
  async prompt(timeout = ANSWER_MS): Promise<void> {
    await this.shows(/[#$] ?\n*$/, timeout)
  }

  /** Types a command and Enter, waits for the next prompt; gives the lines between. */
  async run(command: string, timeout = ANSWER_MS): Promise<string[]> {
    const mark = `end-${Math.random().toString(36).slice(2, 8)}`
    await this.type(`clear; ${command}; echo ${mark.slice(0, 5)}''${mark.slice(5)}`)
    await this.#page.keyboard.press('Enter')
    await this.shows(new RegExp(`^${mark}$`, 'm'), timeout)
    await this.prompt()
    const lines = await this.lines()
    return lines.slice(0, lines.indexOf(mark)).filter((line) => !line.includes('clear;'))
  }

  /** Keys, into the terminal. */
  async type(text: string): Promise<void> {
    await this.focus()
    await this.#page.keyboard.type(text)
  }

  async focus(): Promise<void> {
    await this.view.locator('textarea').focus()
  }
}
