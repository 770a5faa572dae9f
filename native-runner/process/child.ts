// SPDX-License-Identifier: Apache-2.0
// One supervised child process. What it writes on stdout and stderr goes to the log up to a bound,
// its last lines are kept for the sentence that says why it ended, and it never outlives us
// (lifeline.ts). Streams beyond those are socket pairs: nothing on disk that could be left behind.
import { spawn } from 'node:child_process'
import { access, constants } from 'node:fs/promises'
import type { Socket } from 'node:net'
import type { Duplex, Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { MicrovmError, type ErrorCode } from '../../src/contract/errors'
import type { Logger } from '../../src/main/lib/logger'
import { bindToParent, guardChild } from './lifeline'

/** Lines of a child's output that go to our log; a guest can make a child talk. */
const MAX_LOGGED_LINES = 500
const LAST_LINES = 8
const MAX_LINE_CHARS = 500
const DRAIN_MS = 300
/** The first descriptor after stdin, stdout and stderr. */
const FIRST_CHANNEL_FD = 3

export interface ChildCommand {
  /** As it appears in messages: "gvproxy", "QEMU". */
  readonly name: string
  /** Absolute path. */
  readonly executable: string
  readonly args: readonly string[]
  /** How many socket pairs it inherits, as descriptors 3, 4, … */
  readonly channels: number
  /** Connected sockets it takes over, as the descriptors after the channels; ours are closed. */
  readonly sockets?: readonly Socket[]
  /** Descriptors of ours it gets a copy of, after those. */
  readonly descriptors?: readonly number[]
  /** Variables on top of ours. */
  readonly env?: Readonly<Record<string, string>>
  /** The code of the error when it cannot be started. */
  readonly errorCode: ErrorCode
}

export interface ChildExit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export class Child {
  readonly name: string
  readonly pid: number
  readonly channels: readonly Duplex[]
  /** Never rejects. */
  readonly exited: Promise<ChildExit>
  readonly #lastLines: string[]
  readonly #kill: (signal: NodeJS.Signals) => void
  #exit: ChildExit | undefined

  constructor(parts: {
    name: string
    pid: number
    channels: readonly Duplex[]
    exited: Promise<ChildExit>
    lastLines: string[]
    kill: (signal: NodeJS.Signals) => void
  }) {
    this.name = parts.name
    this.pid = parts.pid
    this.channels = parts.channels
    this.#lastLines = parts.lastLines
    this.#kill = parts.kill
    this.exited = parts.exited.then((exit) => (this.#exit = exit))
  }

  get running(): boolean {
    return this.#exit === undefined
  }

  /** "QEMU was killed by SIGKILL", "gvproxy exited with code 1: its last words". */
  describeEnd(): string {
    const words = this.#lastLines.length === 0 ? '' : `: ${this.#lastLines.join(' | ')}`
    if (this.#exit === undefined) return `${this.name} runs`
    if (this.#exit.signal !== null) return `${this.name} was killed by ${this.#exit.signal}${words}`
    return `${this.name} exited with code ${this.#exit.code}${words}`
  }

  kill(signal: NodeJS.Signals): void {
    if (this.running) this.#kill(signal)
  }

  /** TERM, KILL after `graceMs` milliseconds; resolves when it is gone. */
  async stop(graceMs: number): Promise<void> {
    this.kill('SIGTERM')
    const timer = setTimeout(() => this.kill('SIGKILL'), graceMs)
    await this.exited
    clearTimeout(timer)
  }
}

/** @throws `command.errorCode` if there is no such executable or it cannot be started */
export async function spawnChild(command: ChildCommand, logger: Logger): Promise<Child> {
  const { name, executable, errorCode, channels: count, sockets = [], descriptors = [] } = command
  await access(executable, constants.X_OK).catch((cause: unknown) => {
    throw new MicrovmError(errorCode, `${name} cannot be started: ${executable} is no program`, {
      hint: 'Install what is missing, or see `doctor`.',
      cause,
    })
  })
  const bound = bindToParent(executable, command.args)
  const process_ = spawn(bound.command, bound.args, {
    stdio: [
      ...(['ignore', 'pipe', 'pipe'] as const),
      ...Array<'pipe'>(count).fill('pipe'),
      ...sockets,
      ...descriptors,
    ],
    cwd: '/',
    env: { ...process.env, ...command.env },
  })
  const lastLines: string[] = []
  const ended = new Promise<ChildExit>((resolve) => {
    process_.once('exit', (code, signal) => resolve({ code, signal }))
  })
  const pid = await new Promise<number>((resolve, reject) => {
    process_.once('spawn', () => resolve(process_.pid ?? 0)).once('error', reject)
  }).catch((error: unknown) => {
    throw new MicrovmError(errorCode, `${name} cannot be started: ${(error as Error).message}`, {
      cause: error,
    })
  })
  for (const socket of sockets) socket.destroy()
  const log = logLines(name, logger, lastLines)
  for (const stream of [process_.stdout, process_.stderr]) readLines(stream as Readable, log)
  const channels = process_.stdio.slice(
    FIRST_CHANNEL_FD,
    FIRST_CHANNEL_FD + count,
  ) as unknown as Duplex[]
  // A channel's end is the child's end, which `exited` tells.
  for (const channel of channels) channel.on('error', () => undefined)
  if (!bound.diesWithParent) guardChild(pid, ended)
  const streams = [process_.stdout, process_.stderr, ...channels] as Readable[]
  return new Child({
    name,
    pid,
    channels,
    exited: ended.then(async (exit) => {
      await drained(streams)
      return exit
    }),
    lastLines,
    kill: (signal) => process_.kill(signal),
  })
}

/** What the child wrote last is read; a stream that nobody reads, or that a grandchild holds, is not waited for. */
async function drained(streams: readonly Readable[]): Promise<void> {
  const closed = streams
    .filter((stream) => !stream.closed)
    .map((stream) => new Promise((resolve) => stream.once('close', resolve)))
  await Promise.race([Promise.all(closed), sleep(DRAIN_MS)])
  for (const stream of streams) stream.destroy()
}

function logLines(name: string, logger: Logger, lastLines: string[]): (line: string) => void {
  let logged = 0
  return (line) => {
    lastLines.push(line)
    if (lastLines.length > LAST_LINES) lastLines.shift()
    logged += 1
    if (logged <= MAX_LOGGED_LINES) logger.info(line, { from: name })
    if (logged === MAX_LOGGED_LINES) logger.warn('further output is not logged', { from: name })
  }
}

/** Calls `onLine` with each line, control characters made harmless, overlong lines cut. */
function readLines(stream: Readable, onLine: (line: string) => void): void {
  let pending = ''
  const emit = (line: string): void => {
    const clean = printable(line).trim()
    if (clean !== '') onLine(clean.slice(0, MAX_LINE_CHARS))
  }
  stream.setEncoding('utf8').on('data', (text: string) => {
    const lines = (pending + text).split('\n')
    pending = (lines.pop() ?? '').slice(0, MAX_LINE_CHARS)
    lines.forEach(emit)
  })
  stream.on('end', () => emit(pending))
}

/** Text from a guest or a child as it may be shown: control characters become spaces. */
export function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, ' ')
}
