// SPDX-License-Identifier: Apache-2.0
// Ties a process in a guest to this terminal: the three streams, the window's size, signals.
//
// Always: the terminal's mode is given back however the session ends, and no output is lost that
// came before the exit code.
import { finished } from 'node:stream/promises'
import { constants } from 'node:os'
import type { GuestConnection, GuestProcess } from '../ssh/guest-connection'

/** The parts of `process` a session uses. */
export interface Terminal {
  readonly stdin: NodeJS.ReadStream
  readonly stdout: NodeJS.WriteStream
  readonly stderr: NodeJS.WriteStream
  readonly env: NodeJS.ProcessEnv
  on(event: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown
  off(event: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown
}

/** 128 + SIGPIPE: what a shell reports of a command whose reader went away. */
const BROKEN_PIPE_CODE = 141
/** Milliseconds a command has to end after a signal was passed on, before its connection is closed. */
const SIGNAL_GRACE_MS = 3000

/**
 * Runs `command` (undefined: the login shell) with the terminal's streams; on a PTY if both stdin
 * and stdout are terminals.
 * @returns its exit code; 128+n if signal n ended the session; 141 if stdout's reader went away
 */
export async function attach(
  connection: GuestConnection,
  command: string | undefined,
  terminal: Terminal,
): Promise<number> {
  const { stdin, stdout, env } = terminal
  const interactive = stdin.isTTY && stdout.isTTY
  const guest = await connection.exec(
    command,
    interactive
      ? {
          pty: {
            cols: stdout.columns,
            rows: stdout.rows,
            ...(env['TERM'] ? { term: env['TERM'] } : {}),
          },
        }
      : {},
  )
  const undo: (() => void)[] = []
  try {
    undo.push(joinStreams(guest, terminal))
    if (interactive) undo.push(followWindow(guest, terminal))
    return await Promise.race([
      exitCode(guest),
      signalled(guest, terminal, undo),
      brokenPipe(stdout, guest, undo),
    ])
  } finally {
    for (const act of undo.toReversed()) act()
  }
}

function joinStreams(guest: GuestProcess, { stdin, stdout, stderr }: Terminal): () => void {
  // A process that ends before it has read all its input is no error.
  guest.stdin.on('error', () => undefined)
  stdin.pipe(guest.stdin)
  guest.stdout.pipe(stdout, { end: false })
  guest.stderr.pipe(stderr, { end: false })
  return () => {
    stdin.unpipe(guest.stdin)
    stdin.pause()
    guest.stdout.unpipe(stdout)
    guest.stderr.unpipe(stderr)
  }
}

function followWindow(guest: GuestProcess, { stdin, stdout }: Terminal): () => void {
  const onResize = (): void => guest.resize(stdout.columns, stdout.rows)
  stdout.on('resize', onResize)
  stdin.setRawMode(true)
  return () => {
    stdout.off('resize', onResize)
    stdin.setRawMode(false)
  }
}

/** Once all output has been handed over. */
async function exitCode(guest: GuestProcess): Promise<number> {
  const code = await guest.exited
  await Promise.all([guest.stdout, guest.stderr].map(ended))
  return code
}

/** `readable` only: the other half of the channel is stdin's, which may stay open. */
async function ended(stream: GuestProcess['stdout']): Promise<void> {
  if (stream.readableEnded) return
  await finished(stream, { writable: false }).catch(() => undefined)
}

/** Passes signals on to the process; one that does not end by them loses its connection. */
function signalled(guest: GuestProcess, terminal: Terminal, undo: (() => void)[]): Promise<number> {
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout | undefined
    const onSignal = (name: NodeJS.Signals): void => {
      const code = 128 + constants.signals[name]
      const giveUp = (): void => {
        guest.kill()
        resolve(code)
      }
      // A second one: the user means it.
      if (timer !== undefined || name === 'SIGHUP') return giveUp()
      if (!guest.signal(name)) return giveUp()
      timer = setTimeout(giveUp, SIGNAL_GRACE_MS)
    }
    const names: NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP']
    for (const name of names) terminal.on(name, onSignal)
    undo.push(() => {
      clearTimeout(timer)
      for (const name of names) terminal.off(name, onSignal)
    })
  })
}

/** `microvm run … | head -1`: the reader is gone, so the process has to go. */
function brokenPipe(
  stdout: NodeJS.WriteStream,
  guest: GuestProcess,
  undo: (() => void)[],
): Promise<number> {
  return new Promise((resolve) => {
    const onError = (): void => {
      guest.kill()
      resolve(BROKEN_PIPE_CODE)
    }
    stdout.on('error', onError)
    undo.push(() => stdout.off('error', onError))
  })
}
