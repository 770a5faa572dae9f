// SPDX-License-Identifier: Apache-2.0
// All machines of a data directory, as app and CLI use them: finding, making, and what lifecycle.ts
// does with one. Machines of other processes are seen, adopted and followed like our own.
//
// Always: one machine's damage or death hinders no other; two machines never have one name.
import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { MicrovmError } from '../../contract/errors'
import type { VmView } from '../../contract/ipc'
import { vmIdSchema, vmSpecSchema, type VmSpec, type VmSpecInput } from '../../contract/vm-spec'
import type { VmStatus } from '../../contract/vm-state'
import type { Machines } from '../engine'
import { RECORD_VERSION, type VmRecord } from '../state/vm-record'
import { followConsoleFile, readConsoleTail } from './console-file'
import { checkPorts, setMachinePorts, startMachine, stopMachine } from './lifecycle'
import type { Machine } from './machine'
import { suggestName } from './names'
import { Registry, type RegistryDeps } from './registry'

export interface MachinesDeps extends RegistryDeps {
  /** @throws REFERENCE_INVALID */
  checkReference(reference: string): void
}

export function createMachines(deps: MachinesDeps): Machines & { close(): Promise<void> } {
  const registry = new Registry(deps)
  return {
    ...findAndMake(deps, registry),
    ...change(deps, registry),
    ...lookInside(deps, registry),
    subscribe: (listener) => registry.subscribe(listener),
    close: () => registry.close(),
  }
}

function findAndMake(
  deps: MachinesDeps,
  registry: Registry,
): Pick<Machines, 'list' | 'get' | 'suggestName' | 'create'> {
  return {
    list: async () => {
      await registry.scan()
      return registry.all().map((machine) => machine.view())
    },
    get: async (idOrName) => (await registry.find(idOrName)).view(),
    suggestName: async () => {
      await registry.scan()
      return suggestName(new Set(registry.all().map(({ spec }) => spec.name)))
    },
    create: async (input) => {
      const spec = parseSpec(input)
      deps.checkReference(spec.image)
      checkPorts(spec.ports)
      const id = randomBytes(6).toString('hex')
      const record: VmRecord = { version: RECORD_VERSION, id, createdAt: deps.now(), spec }
      await deps.files.create(record, (existing) => refuseTakenName(spec.name, existing))
      return (await registry.find(id)).view()
    },
  }
}

function change(
  deps: MachinesDeps,
  registry: Registry,
): Pick<Machines, 'start' | 'stop' | 'restart' | 'resume' | 'remove' | 'setPorts'> {
  const withMachine = async (
    id: string,
    act: (machine: Machine) => Promise<unknown>,
  ): Promise<VmView> => {
    const machine = await registry.find(id)
    await act(machine)
    return machine.view()
  }
  return {
    start: (id, options = {}) => withMachine(id, (vm) => startMachine(deps, vm, options)),
    stop: (id, options) =>
      withMachine(id, async (machine) => {
        await stopMachine(machine, options)
        if (machine.spec.autoRemove) await registry.remove(machine)
      }),
    restart: (id, options = {}) =>
      withMachine(id, async (machine) => {
        await stopMachine(machine)
        await startMachine(deps, machine, options)
      }),
    resume: (id) =>
      withMachine(id, async (machine) => {
        if (machine.handle === undefined) throw notRunning(machine)
        machine.setState(await machine.handle.client.request('resume', {}))
      }),
    remove: async (id) => {
      await registry.remove(await registry.find(id))
    },
    setPorts: (id, ports) => withMachine(id, (machine) => setMachinePorts(deps, machine, ports)),
  }
}

function lookInside(
  deps: MachinesDeps,
  registry: Registry,
): Pick<Machines, 'connect' | 'readConsole' | 'followConsole'> {
  return {
    connect: async (id, signal) => {
      const machine = await registry.find(id)
      const { status } = await machine.until((state) => state.status !== 'starting', signal)
      if (machine.handle === undefined || status !== 'running') throw notRunning(machine)
      return await deps.connect(machine.id, machine.handle, signal)
    },
    readConsole: async (id, maxBytes) => {
      const machine = await registry.find(id)
      return await readConsoleTail(deps.paths.vm(machine.id).consoleLog, maxBytes)
    },
    followConsole: (id, listener) =>
      followConsoleFile(deps.paths.vm(vmIdSchema.parse(id)).consoleLog, listener),
  }
}

/** @throws INVALID_ARGUMENT naming each field that is wrong */
function parseSpec(input: VmSpecInput): VmSpec {
  const parsed = vmSpecSchema.safeParse(input)
  if (parsed.success) return parsed.data
  throw new MicrovmError('INVALID_ARGUMENT', z.prettifyError(parsed.error))
}

function refuseTakenName(name: string, existing: readonly VmRecord[]): void {
  if (!existing.some(({ spec }) => spec.name === name)) return
  throw new MicrovmError('ALREADY_EXISTS', `there is a machine ${name} already`, {
    hint: `Choose another name, or delete that one: microvm rm ${name}`,
  })
}

function notRunning({ spec, state }: Machine): MicrovmError {
  const hints: Partial<Record<VmStatus, string>> = {
    paused: `When its disk has room again: microvm resume ${spec.name}`,
    stopping: 'Wait until it is off, then start it.',
  }
  return new MicrovmError('CONFLICT', `${spec.name} is ${state.status}`, {
    hint: hints[state.status] ?? `Start it: microvm start ${spec.name}`,
  })
}
