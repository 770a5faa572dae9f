// SPDX-License-Identifier: Apache-2.0
// What one can do over an SSH connection that is already up: the ssh2 client behind our interface.
import { createReadStream, createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { constants } from 'node:os'
import type { Duplex } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Client, ClientChannel, ExecOptions as Ssh2ExecOptions, SFTPWrapper } from 'ssh2'
import { MicrovmError } from '../../contract/errors'
import { envNameSchema } from '../../contract/vm-spec'
import type { ExecOptions, GuestConnection, GuestProcess } from './guest-connection'
import { shellEscape } from './shell-escape'

const DEFAULT_TERM = 'xterm-256color'

export function wrapClient(client: Client): GuestConnection {
  const closeListeners = new Set<() => void>()
  let closed = false
  client.once('close', () => {
    closed = true
    for (const listener of closeListeners) listener()
    closeListeners.clear()
  })

  return {
    exec: async (command, options = {}) =>
      await openSession(client, command, options, (channel) =>
        wrapChannel(channel, closeListeners),
      ),
    forward: (port) =>
      called<Duplex>('forward to the guest', (done) =>
        client.forwardOut('127.0.0.1', 0, '127.0.0.1', port, done),
      ),
    copyTo: (hostPath, guestPath, options = {}) =>
      withSftp(client, `copy ${hostPath} to the machine's ${guestPath}`, (sftp) =>
        pipeline(
          createReadStream(hostPath),
          sftp.createWriteStream(guestPath, { mode: options.mode ?? 0o644 }),
        ),
      ),
    copyFrom: (guestPath, hostPath) =>
      withSftp(client, `copy the machine's ${guestPath} to ${hostPath}`, async (sftp) => {
        const temp = `${hostPath}.part`
        try {
          await pipeline(sftp.createReadStream(guestPath), createWriteStream(temp))
          await rename(temp, hostPath)
        } catch (error) {
          await rm(temp, { force: true })
          throw error
        }
      }),
    onClose: (listener) => {
      if (closed) queueMicrotask(listener)
      else closeListeners.add(listener)
    },
    close: () => client.end(),
  }
}

/** dropbear's MAX_CMD_LEN (sysoptions.h); what is longer it refuses without a word. */
const MAX_COMMAND_BYTES = 9000

async function openSession(
  client: Client,
  command: string | undefined,
  options: ExecOptions,
  wrap: (channel: ClientChannel) => GuestProcess,
): Promise<GuestProcess> {
  const pty = options.pty && {
    cols: options.pty.cols,
    rows: options.pty.rows,
    term: options.pty.term ?? DEFAULT_TERM,
  }
  const line = withEnv(command, options.env ?? {})
  const length = Buffer.byteLength(line ?? '')
  if (length > MAX_COMMAND_BYTES)
    throw new MicrovmError(
      'INVALID_ARGUMENT',
      `the command is ${length} bytes long; a machine takes ${MAX_COMMAND_BYTES}`,
      { hint: 'Put it into a script and send that: `microvm exec NAME -- sh < script`.' },
    )
  return await called<GuestProcess>('open a session in the guest', (done) => {
    // Wrapped here and now: the exit of a short command may be parsed in this same tick.
    const opened = (error: Error | undefined, channel: ClientChannel): void =>
      error === undefined ? done(undefined, wrap(channel)) : done(error)
    if (line === undefined) client.shell(pty ?? false, opened)
    else client.exec(line, (pty === undefined ? {} : { pty }) as Ssh2ExecOptions, opened)
  })
}

/** Dropbear takes no variables over the protocol, so they travel in the command line. */
function withEnv(
  command: string | undefined,
  env: Readonly<Record<string, string>>,
): string | undefined {
  const assignments = Object.entries(env).map(
    ([name, value]) => `export ${checkedName(name)}=${shellEscape([value])};`,
  )
  if (assignments.length === 0) return command
  return [...assignments, command ?? 'exec "${SHELL:-/bin/sh}" -l'].join(' ')
}

function checkedName(name: string): string {
  if (envNameSchema.safeParse(name).success) return name
  throw new MicrovmError('INVALID_ARGUMENT', `not a variable name: ${JSON.stringify(name)}`)
}

function wrapChannel(channel: ClientChannel, connectionClosed: Set<() => void>): GuestProcess {
  const exited = new Promise<number>((resolve, reject) => {
    const onBroken = (): void => reject(broken())
    // Once the exit code is known, none of these changes anything.
    connectionClosed.add(onBroken)
    channel.once('close', onBroken)
    channel.once('close', () => connectionClosed.delete(onBroken))
    channel.on('error', (error: Error) => reject(broken(error)))
    channel.once('exit', (code: number | null, signalName?: string) => {
      resolve(code ?? 128 + (constants.signals[signalName as NodeJS.Signals] ?? 0))
    })
  })
  // Who does not await it must not crash the process.
  exited.catch(() => undefined)
  // Once our side has sent its end of input, ssh2 sends nothing more on the channel.
  const signal = (name: NodeJS.Signals): boolean => {
    if (channel.writableEnded) return false
    channel.signal(name.slice('SIG'.length))
    return true
  }
  return {
    stdin: channel,
    stdout: channel,
    stderr: channel.stderr,
    exited,
    resize: (cols, rows) => channel.setWindow(rows, cols, 0, 0),
    signal,
    kill: () => {
      signal('SIGHUP')
      channel.close()
    },
  }
}

function broken(cause?: Error): MicrovmError {
  return new MicrovmError('SSH_FAILED', 'the connection to the machine broke', {
    hint: 'Look whether the machine still runs: `microvm ls`.',
    ...(cause === undefined ? {} : { cause }),
  })
}

async function withSftp(
  client: Client,
  what: string,
  work: (sftp: SFTPWrapper) => Promise<void>,
): Promise<void> {
  const sftp = await called<SFTPWrapper>(what, (done) => client.sftp(done))
  try {
    await work(sftp)
  } catch (error) {
    throw MicrovmError.inContext(what, error)
  } finally {
    sftp.end()
  }
}

/** A callback of ssh2 as a promise; it throws synchronously when the connection is gone. */
async function called<T>(
  what: string,
  start: (done: (error: Error | undefined, value?: T) => void) => void,
): Promise<T> {
  try {
    return await new Promise<T>((resolve, reject) => {
      start((error, value) => (error === undefined ? resolve(value as T) : reject(error)))
    })
  } catch (error) {
    throw new MicrovmError('SSH_FAILED', `${what}: ${(error as Error).message}`, { cause: error })
  }
}
