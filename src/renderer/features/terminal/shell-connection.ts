// SPDX-License-Identifier: Apache-2.0
// A tab's way to its shell: opens it when the machine runs, waits when it does not, opens a new one
// when the machine is back. Knows nothing of xterm or the page; both are handed in.
// Always holds: each shell has a terminal id of its own, so what an earlier one still sends is not mixed in.
import { MicrovmError } from '../../../contract/errors'
import type { IpcEvents } from '../../../contract/ipc'
import { errorText } from '../../ui/error-text'

/**
 * waiting: the machine does not run. ended: the shell is gone or could not be opened though the
 * machine runs; Enter opens another.
 */
export type ShellPhase = 'waiting' | 'connecting' | 'open' | 'ended'

export interface ShellCalls {
  open(terminalId: string, cols: number, rows: number): Promise<void>
  write(terminalId: string, data: string): Promise<void>
  resize(terminalId: string, cols: number, rows: number): Promise<void>
  close(terminalId: string): Promise<void>
}

export interface ShellDeps {
  readonly calls: ShellCalls
  newId(): string
  vmRuns(): boolean
  size(): { readonly cols: number; readonly rows: number }
  onPhase(phase: ShellPhase): void
  /** A line of ours in the terminal. */
  note(text: string): void
  /** The user ended the shell: its tab may go. */
  onDone(): void
}

type Closed = IpcEvents['terminal.closed']

/** Characters typed before the shell is there that it still gets. */
const TYPE_AHEAD = 4096

export class ShellConnection {
  phase: ShellPhase = 'waiting'
  /** Id of the present shell; data for any other id is not ours. */
  terminalId = ''
  readonly #deps: ShellDeps
  #typed = ''
  #disposed = false
  /** The machine has stopped since this shell was opened: whatever ended it, it was not the user. */
  #vmWentDown = false

  constructor(deps: ShellDeps) {
    this.#deps = deps
  }

  /** Opens a shell if the machine runs and none is open; otherwise waits for it. */
  connect(): void {
    if (this.phase === 'open' || this.phase === 'connecting' || this.#disposed) return
    if (this.#deps.vmRuns()) void this.#open()
    else this.#enter('waiting')
  }

  /** The machine's state has changed. */
  vmChanged(runs: boolean): void {
    if (!runs) this.#vmWentDown = true
    if (runs && (this.phase === 'waiting' || this.phase === 'ended')) this.connect()
    else if (!runs && this.phase === 'ended') this.#enter('waiting')
  }

  /** Keys or a paste. Without a shell, Enter asks for one. */
  input(data: string): void {
    if (this.phase === 'open') void this.#deps.calls.write(this.terminalId, data).catch(() => {})
    else if (this.phase === 'connecting') this.#typed = (this.#typed + data).slice(0, TYPE_AHEAD)
    else if (this.phase === 'ended' && data.startsWith('\r')) this.connect()
  }

  resized(): void {
    if (this.phase !== 'open') return
    const { cols, rows } = this.#deps.size()
    // A shell that has just ended cannot be resized; its end is told on its own.
    void this.#deps.calls.resize(this.terminalId, cols, rows).catch(() => {})
  }

  /** Main says the shell is gone. */
  closed(event: Closed): void {
    if (event.terminalId !== this.terminalId || this.phase === 'waiting') return
    const runs = this.#deps.vmRuns()
    if (runs && !this.#vmWentDown && event.code === 0) return this.#deps.onDone()
    this.#deps.note(closedText(event, runs && !this.#vmWentDown))
    this.#enter(runs ? 'ended' : 'waiting')
    if (runs && this.#vmWentDown) this.connect()
  }

  dispose(): void {
    this.#disposed = true
    if (this.phase === 'open' || this.phase === 'connecting')
      void this.#deps.calls.close(this.terminalId).catch(() => {})
  }

  async #open(): Promise<void> {
    const id = this.#deps.newId()
    this.terminalId = id
    this.#typed = ''
    this.#vmWentDown = false
    this.#enter('connecting')
    const asked = this.#deps.size()
    try {
      await this.#deps.calls.open(id, asked.cols, asked.rows)
    } catch (error) {
      if (!this.#disposed) this.#refused(error)
      return
    }
    // Closed, or already ended, while it was being opened.
    if (this.#disposed) return void this.#deps.calls.close(id).catch(() => {})
    if (this.phase !== 'connecting' || this.terminalId !== id) return
    this.#enter('open')
    const now = this.#deps.size()
    if (now.cols !== asked.cols || now.rows !== asked.rows) this.resized()
    if (this.#typed !== '') this.input(this.#typed)
  }

  #refused(error: unknown): void {
    if (!this.#deps.vmRuns()) return this.#enter('waiting')
    const { message, hint } = errorText(MicrovmError.from(error))
    this.#deps.note([message, hint, 'Press Enter to try again.'].filter(Boolean).join(' '))
    this.#enter('ended')
  }

  #enter(phase: ShellPhase): void {
    this.phase = phase
    this.#deps.onPhase(phase)
  }
}

/** What the terminal says at a shell's end. */
function closedText({ code, error }: Closed, vmRuns: boolean): string {
  if (!vmRuns) return 'The machine is off. A new shell opens when it runs again.'
  if (code !== undefined) return `The shell ended with code ${code}. Press Enter for a new one.`
  const why = error === undefined ? 'The connection broke.' : errorText(error).message
  return `${why} Press Enter for a new shell.`
}
