// SPDX-License-Identifier: Apache-2.0
// The commands about machines that open no session: create, start, stop, rm, ls …
import { MicrovmError } from '../../contract/errors'
import type { VmView } from '../../contract/ipc'
import type { PortForward } from '../../contract/vm-spec'
import { parsePort, usage } from './arguments'
import type { CommandContext } from './context'
import { exitCodes } from './exit-codes'
import { formatDoctor, formatMachines, formatPorts } from './format'
import { buildSpec, type MachineOptions } from './machine-options'

export async function create(
  context: CommandContext,
  image: string,
  command: readonly string[],
  options: MachineOptions,
): Promise<number> {
  const { machines } = await context.engine()
  const own = command.length === 0 ? undefined : command
  const vm = await machines.create(await buildSpec(context, image, options, own))
  context.output.result(vm, vm.spec.name)
  return exitCodes.ok
}

export async function start(context: CommandContext, names: readonly string[]): Promise<number> {
  const { machines } = await context.engine()
  return await forEach(context, names, ({ id }) =>
    machines.start(id, { onProgress: context.output.progress, signal: context.cancel }),
  )
}

export async function restart(context: CommandContext, names: readonly string[]): Promise<number> {
  const { machines } = await context.engine()
  return await forEach(context, names, ({ id }) =>
    machines.restart(id, { onProgress: context.output.progress, signal: context.cancel }),
  )
}

export async function resume(context: CommandContext, names: readonly string[]): Promise<number> {
  const { machines } = await context.engine()
  return await forEach(context, names, ({ id }) => machines.resume(id))
}

export async function stop(
  context: CommandContext,
  names: readonly string[],
  { force = false }: { force?: boolean },
): Promise<number> {
  const { machines } = await context.engine()
  return await forEach(context, names, ({ id }) => machines.stop(id, { force }))
}

export async function remove(
  context: CommandContext,
  names: readonly string[],
  { force = false }: { force?: boolean },
): Promise<number> {
  const { machines } = await context.engine()
  return await forEach(context, names, async (vm) => {
    const { id, spec, state } = vm
    if (!force && state.status !== 'stopped' && state.status !== 'failed') {
      throw new MicrovmError('CONFLICT', `${spec.name} is ${state.status}`, {
        hint: `Stop it first, or remove it all the same: microvm rm --force ${spec.name}`,
      })
    }
    await machines.remove(id)
    return vm
  })
}

/** Does it for every name in turn; prints the names, or with --json the list of machines. */
async function forEach(
  context: CommandContext,
  names: readonly string[],
  act: (vm: VmView) => Promise<VmView>,
): Promise<number> {
  const { machines } = await context.engine()
  const done: VmView[] = []
  for (const name of names) done.push(await act(await machines.get(name)))
  context.output.result(done, done.map(({ spec }) => spec.name).join('\n'))
  return exitCodes.ok
}

export async function list(context: CommandContext): Promise<number> {
  const { machines } = await context.engine()
  const all = await machines.list()
  const text = all.length === 0 ? '' : formatMachines(all, Date.now())
  context.output.result(all, text)
  if (all.length === 0) context.output.note('No machines yet. Make one: microvm run starter')
  return exitCodes.ok
}

const ALL_OF_IT = Number.MAX_SAFE_INTEGER

export async function logs(
  context: CommandContext,
  name: string,
  { follow = false }: { follow?: boolean },
): Promise<number> {
  const { machines } = await context.engine()
  const { id, spec } = await machines.get(name)
  if (context.output.json) {
    if (follow) {
      throw usage('--follow and --json exclude each other', 'Leave one of them away.')
    }
    const log = await machines.readConsole(id, ALL_OF_IT)
    context.output.result({ machine: spec.name, log }, '')
    return exitCodes.ok
  }
  const { stdout } = context.terminal
  stdout.write(await machines.readConsole(id, ALL_OF_IT))
  if (follow) await followUntilOff(context, id)
  return exitCodes.ok
}

/** Until the machine is off, the reader is gone, or a signal says so. */
async function followUntilOff(context: CommandContext, id: string): Promise<void> {
  const { machines } = await context.engine()
  const { cancel, terminal } = context
  await new Promise<void>((resolve) => {
    const isOff = (vm: VmView): boolean => ['stopped', 'failed'].includes(vm.state.status)
    const unfollow = machines.followConsole(id, (text) => terminal.stdout.write(text))
    const unsubscribe = machines.subscribe((event) => {
      const gone =
        event.type === 'removed' ? event.id === id : event.vm.id === id && isOff(event.vm)
      if (gone) end()
    })
    const end = (): void => {
      unfollow()
      unsubscribe()
      resolve()
    }
    cancel.addEventListener('abort', end)
    terminal.stdout.on('error', end)
    void machines.get(id).then((vm) => isOff(vm) && end(), end)
  })
}

export async function ports(
  context: CommandContext,
  name: string,
  options: { add?: readonly string[]; remove?: readonly string[] },
): Promise<number> {
  const add = (options.add ?? []).map(parsePort)
  const drop = (options.remove ?? []).map(parsePort)
  const { machines } = await context.engine()
  let vm = await machines.get(name)
  if (add.length > 0 || drop.length > 0) {
    vm = await machines.setPorts(vm.id, changedPorts(vm, add, drop))
  }
  const inForce = vm.state.ports.length > 0 ? vm.state.ports : vm.spec.ports
  context.output.result(inForce, formatPorts(inForce).replaceAll(', ', '\n'))
  return exitCodes.ok
}

function changedPorts(
  vm: VmView,
  add: readonly PortForward[],
  drop: readonly PortForward[],
): PortForward[] {
  const running = vm.state.ports.length > 0
  const present = running ? vm.state.ports : vm.spec.ports
  const same = (a: PortForward, b: PortForward): boolean =>
    a.guest === b.guest && (a.host === b.host || b.host === 0)
  const unknown = drop.find((gone) => !present.some((port) => same(port, gone)))
  if (unknown !== undefined) {
    throw new MicrovmError(
      'NOT_FOUND',
      `${vm.spec.name} has no forward ${formatPorts([unknown])}`,
      {
        hint: `It has: ${formatPorts(present) || 'none'}.`,
      },
    )
  }
  return [...present.filter((port) => !drop.some((gone) => same(port, gone))), ...add]
}

export async function doctor(context: CommandContext): Promise<number> {
  const engine = await context.engine()
  const report = await engine.doctor()
  context.output.result(report, formatDoctor(report))
  const failed = report.checks.some(({ status }) => status === 'failed')
  return failed ? exitCodes.doctorFailed : exitCodes.ok
}
