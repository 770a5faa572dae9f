// SPDX-License-Identifier: Apache-2.0
// Terminals: a login shell in a machine, on a PTY over SSH, for a tab of the window.
// A terminal lives from `terminals.open` until its shell ends, its connection breaks, the window
// closes it or the window is gone. Output goes through an OutputPump; the window's acknowledgements
// decide how fast the guest may print.
import { once } from 'node:events'
import { finished } from 'node:stream/promises'
import { MicrovmError } from '../../contract/errors'
import { TERMINAL_WINDOW_BYTES, type IpcEvents, type IpcParsedArgs } from '../../contract/ipc'
import type { GuestProcess } from '../ssh/guest-connection'
import { ConnectionPool, type Lease, type TerminalConnection } from './connection-pool'
import type { SendEvent } from './events'
import type { IpcHandlers } from './handle'
import { OutputPump } from './output-pump'

const TERMINALS_MAX = 100

export interface TerminalsDeps {
  connect(vmId: string): Promise<TerminalConnection>
  readonly send: SendEvent
}

type TerminalHandlers = Pick<IpcHandlers, Extract<keyof IpcHandlers, `terminals.${string}`>>
type Closed = Omit<IpcEvents['terminal.closed'], 'terminalId'>

interface Shell {
  readonly process: GuestProcess
  readonly pump: OutputPump
  readonly lease: Lease
}

/** A tab's terminal. `shell` is absent while it is being opened. */
interface Terminal {
  readonly id: string
  shell?: Shell
  closed: boolean
}

export class Terminals {
  readonly handlers: TerminalHandlers = {
    'terminals.open': (args) => this.#open(args),
    'terminals.write': ({ terminalId, data }) => write(this.#shell(terminalId).process, data),
    'terminals.resize': ({ terminalId, cols, rows }) =>
      this.#shell(terminalId).process.resize(cols, rows),
    // An acknowledgement may cross with the shell's end: then it means nothing any more.
    'terminals.ack': ({ terminalId, bytes }) =>
      this.#terminals.get(terminalId)?.shell?.pump.acknowledge(bytes),
    'terminals.close': ({ terminalId }) => this.#close(terminalId),
  }
  readonly #deps: TerminalsDeps
  readonly #terminals = new Map<string, Terminal>()
  readonly #pool: ConnectionPool

  constructor(deps: TerminalsDeps) {
    this.#deps = deps
    this.#pool = new ConnectionPool((id) => deps.connect(id))
  }

  /** The window is gone: hangs up on every shell. */
  closeAll(): void {
    for (const terminalId of this.#terminals.keys()) this.#close(terminalId)
  }

  async #open(args: IpcParsedArgs<'terminals.open'>): Promise<void> {
    const terminal = this.#claim(args.terminalId)
    try {
      const shell = await this.#openShell(args)
      if (terminal.closed) {
        hangUp(shell)
        throw new MicrovmError('CANCELLED', 'the terminal was closed')
      }
      terminal.shell = shell
      void this.#watch(terminal, shell)
    } catch (error) {
      this.#forget(terminal)
      throw MicrovmError.inContext('open a shell', error)
    }
  }

  #claim(id: string): Terminal {
    if (this.#terminals.has(id)) throw new MicrovmError('CONFLICT', 'this terminal is already open')
    if (this.#terminals.size >= TERMINALS_MAX)
      throw new MicrovmError('CONFLICT', `${TERMINALS_MAX} terminals are open`, {
        hint: 'Close some of them first.',
      })
    const terminal: Terminal = { id, closed: false }
    this.#terminals.set(id, terminal)
    return terminal
  }

  async #openShell(args: IpcParsedArgs<'terminals.open'>): Promise<Shell> {
    const lease = await this.#pool.lease(args.id)
    try {
      const pty = { cols: args.cols, rows: args.rows, term: 'xterm-256color' }
      const process = await lease.connection.exec(undefined, { pty })
      return { process, lease, pump: pumpFor(process, args.terminalId, this.#deps.send) }
    } catch (error) {
      lease.release()
      throw error
    }
  }

  /** Waits for the shell's end and tells the window. */
  async #watch(terminal: Terminal, shell: Shell): Promise<void> {
    const outcome = await shell.process.exited.then(
      (code): Closed => ({ code }),
      (error: unknown): Closed => ({ error: MicrovmError.from(error).toWire() }),
    )
    // The last output may still wait for the window to acknowledge what came before it.
    await finished(shell.process.stdout, { writable: false }).catch(() => undefined)
    if (terminal.closed) return
    this.#forget(terminal)
    shell.pump.end()
    shell.lease.release()
    this.#deps.send('terminal.closed', { terminalId: terminal.id, ...outcome })
  }

  #close(id: string): void {
    const terminal = this.#terminals.get(id)
    if (terminal === undefined) return
    terminal.closed = true
    this.#forget(terminal)
    if (terminal.shell !== undefined) hangUp(terminal.shell)
  }

  #forget(terminal: Terminal): void {
    if (this.#terminals.get(terminal.id) === terminal) this.#terminals.delete(terminal.id)
  }

  #shell(id: string): Shell {
    const shell = this.#terminals.get(id)?.shell
    if (shell === undefined) throw new MicrovmError('NOT_FOUND', 'this terminal is not open')
    return shell
  }
}

function hangUp(shell: Shell): void {
  shell.pump.discard()
  shell.process.kill()
  shell.lease.release()
}

function pumpFor(process: GuestProcess, terminalId: string, send: SendEvent): OutputPump {
  const pump = new OutputPump({
    source: process.stdout,
    send: (data) => send('terminal.data', { terminalId, data }),
    windowBytes: TERMINAL_WINDOW_BYTES,
  })
  process.stdout.on('data', (chunk: Uint8Array) => pump.push(chunk))
  process.stdout.on('error', () => undefined) // told by `exited`
  process.stdin.on('error', () => undefined)
  process.stderr.resume() // with a PTY everything is on stdout
  return pump
}

/** Resolves when the connection can take more, so that a long paste is not piled up here. */
async function write(process: GuestProcess, data: string): Promise<void> {
  if (process.stdin.write(data, 'utf8')) return
  const gone = new AbortController()
  const end = (): void => gone.abort()
  void process.exited.then(end, end)
  await once(process.stdin, 'drain', { signal: gone.signal }).catch(() => undefined)
}
