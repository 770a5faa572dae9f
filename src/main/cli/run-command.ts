// SPDX-License-Identifier: Apache-2.0
// `microvm run`: a new machine, and in it a command or a shell, in one go.
import { MicrovmError } from '../../contract/errors'
import type { VmView } from '../../contract/ipc'
import type { GuestConnection } from '../ssh/guest-connection'
import { shellEscape } from '../ssh/shell-escape'
import { captureProcess } from './capture'
import type { CommandContext } from './context'
import { buildSpec, type MachineOptions } from './machine-options'
import { attach } from './session'

export interface RunOptions extends MachineOptions {
  readonly detach?: boolean
}

export async function run(
  context: CommandContext,
  image: string,
  command: readonly string[],
  options: RunOptions,
): Promise<number> {
  const { machines } = await context.engine()
  // Attached, the command runs over SSH in an idle machine; detached, it is the machine's own.
  const own = command.length === 0 ? undefined : options.detach === true ? command : []
  const created = await machines.create(await buildSpec(context, image, options, own))
  const started = await startNew(context, created)
  if (typeof started === 'number') return started
  if (options.detach === true) {
    context.output.result(started, started.spec.name)
    return 0
  }
  if (started.state.status !== 'running') return await endedEarly(context, started)
  return await runInside(context, started, command)
}

/**
 * A machine whose launch was cancelled or never came to a runner, or that was to be removed anyway, is not left behind.
 * @returns the exit code if its own command has already failed
 */
async function startNew(context: CommandContext, { id, spec }: VmView): Promise<VmView | number> {
  const { machines } = await context.engine()
  try {
    return await machines.start(id, {
      onProgress: context.output.progress,
      signal: context.cancel,
    })
  } catch (error) {
    const now = await machines.get(id).catch(() => undefined)
    if (now?.state.exitCode !== undefined) {
      context.output.error(MicrovmError.from(error))
      return await endedEarly(context, now)
    }
    // Without a runner there is no log either, and nothing to come back for.
    const cameToNothing = now?.state.timeline.length === 0
    if (spec.autoRemove || context.cancel.aborted || cameToNothing)
      await machines.remove(id).catch(() => undefined)
    else context.output.note(`The machine is kept: microvm logs ${spec.name}`)
    throw error
  } finally {
    context.output.clearProgress()
  }
}

async function runInside(
  context: CommandContext,
  vm: VmView,
  command: readonly string[],
): Promise<number> {
  const { machines } = await context.engine()
  const isShell = command.length === 0
  let connection: GuestConnection | undefined
  try {
    connection = await machines.connect(vm.id, context.cancel)
    const line = isShell ? undefined : shellEscape(command)
    if (context.output.json) {
      const { code, stdout, stderr } = await captureProcess(
        connection,
        line,
        context.terminal.stdin,
      )
      context.output.result({ machine: vm.spec.name, exitCode: code, stdout, stderr }, '')
      return code
    }
    return await attach(connection, line, context.terminal)
  } catch (error) {
    return await afterBreak(context, vm, error)
  } finally {
    connection?.close()
    await leave(context, vm, isShell)
  }
}

/** The connection is gone: because the machine is? */
async function afterBreak(context: CommandContext, vm: VmView, error: unknown): Promise<number> {
  const { machines } = await context.engine()
  if (MicrovmError.from(error).code !== 'SSH_FAILED') throw error
  const now = await machines.get(vm.id).catch(() => undefined)
  if (now?.state.status !== 'stopped' && now?.state.exitCode === undefined) throw error
  context.output.note(`The machine ${vm.spec.name} has stopped.`)
  return now.state.exitCode ?? 0
}

/** A shell leaves its machine running, a command does not; --rm leaves nothing. */
async function leave(
  context: CommandContext,
  { id, spec }: VmView,
  isShell: boolean,
): Promise<void> {
  const { machines } = await context.engine()
  if (spec.autoRemove) return await machines.remove(id).catch(ignoreGone)
  if (isShell) {
    context.output.note(
      `${spec.name} keeps running. Back in: microvm shell ${spec.name}. Stop: microvm stop ${spec.name}.`,
    )
    return
  }
  await machines.stop(id).catch(ignoreGone)
}

function ignoreGone(error: unknown): void {
  if (MicrovmError.from(error).code !== 'NOT_FOUND') throw error
}

/** The machine's own command was over before a shell could be had: its output is the console's. */
async function endedEarly(context: CommandContext, vm: VmView): Promise<number> {
  const { machines } = await context.engine()
  const console = await machines.readConsole(vm.id, MAX_CONSOLE_BYTES).catch(() => '')
  const exitCode = vm.state.exitCode ?? 0
  context.output.result({ machine: vm.spec.name, exitCode, stdout: console, stderr: '' }, console)
  if (vm.spec.autoRemove) await machines.remove(vm.id).catch(ignoreGone)
  return exitCode
}

const MAX_CONSOLE_BYTES = 256 * 1024
