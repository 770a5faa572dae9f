// SPDX-License-Identifier: Apache-2.0
// What every command gets, and the end every command has: signals, errors, exit codes.
import { constants } from 'node:os'
import { MicrovmError } from '../../contract/errors'
import type { Engine } from '../engine'
import { UsageError } from './arguments'
import { exitCodes } from './exit-codes'
import { createOutput, type Output } from './output'
import type { Terminal } from './session'

export interface CommandContext {
  readonly output: Output
  readonly terminal: Terminal
  /** Fires at the first SIGINT, SIGTERM or SIGHUP. */
  readonly cancel: AbortSignal
  /** Made at the first call. */
  engine(): Promise<Engine>
}

export interface GlobalOptions {
  readonly json?: boolean
  readonly quiet?: boolean
}

/** Runs one command to its exit code. */
export async function runCommand(
  terminal: Terminal,
  options: GlobalOptions,
  createEngine: () => Promise<Engine>,
  command: (context: CommandContext) => Promise<number>,
): Promise<number> {
  const output = createOutput({
    stdout: terminal.stdout,
    stderr: terminal.stderr,
    json: options.json ?? false,
    quiet: options.quiet ?? false,
  })
  const interrupts = watchInterrupts(terminal)
  let engine: Promise<Engine> | undefined
  try {
    return await command({
      output,
      terminal,
      cancel: interrupts.signal,
      engine: () => (engine ??= createEngine()),
    })
  } catch (error) {
    const known = MicrovmError.from(error)
    const { received } = interrupts
    if (known.code === 'CANCELLED' && received() !== undefined) {
      output.note('Cancelled.')
      return received() ?? exitCodes.failed
    }
    output.error(known)
    return error instanceof UsageError ? exitCodes.usage : exitCodes.failed
  } finally {
    output.clearProgress()
    interrupts.stop()
    await (await engine?.catch(() => undefined))?.close()
  }
}

/** How many signals it takes to give up cleaning up. */
const PATIENCE = 3

function watchInterrupts(terminal: Terminal): {
  signal: AbortSignal
  /** 128+n of the first signal there was. */
  received: () => number | undefined
  stop: () => void
} {
  const controller = new AbortController()
  const names: NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP']
  let code: number | undefined
  let count = 0
  const onSignal = (name: NodeJS.Signals): void => {
    code ??= 128 + constants.signals[name]
    count += 1
    controller.abort(new MicrovmError('CANCELLED', 'cancelled'))
    if (count >= PATIENCE) process.exit(code)
  }
  for (const name of names) terminal.on(name, onSignal)
  return {
    signal: controller.signal,
    received: () => code,
    stop: () => {
      for (const name of names) terminal.off(name, onSignal)
    },
  }
}
