// SPDX-License-Identifier: Apache-2.0
// All machines of a data directory, as app and CLI use them: finding, making, and what lifecycle.ts
// does with one. Machines of other processes are seen, adopted and followed like our own.
//
// Always: one machine's damage or death hinders no other; two machines never have one name.
import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { MicrovmError } from '../../contract/errors'
import { vmIdSchema, vmSpecSchema, type VmSpec, type VmSpecInput } from '../../contract/vm-spec'
import type { Machines } from '../engine'
import { RECORD_VERSION, type VmRecord } from '../state/vm-record'
import { followConsoleFile, readConsoleTail } from './console-file'
import { isActive } from './judge-state'
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
  const find = (idOrName: string): Promise<Machine> => registry.find(idOrName)

  const stop = async (machine: Machine, force: boolean): Promise<void> => {
    await stopMachine(machine, { force })
    if (machine.spec.autoRemove) await registry.remove(machine)
  }

  return {
    list: async () => {
      await registry.scan()
      return registry.all().map((machine) => machine.view())
    },
    get: async (idOrName) => (await find(idOrName)).view(),
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
      await registry.scan()
      return (await find(id)).view()
    },
    start: async (id, options = {}) => {
      const machine = await find(id)
      await startMachine(deps, machine, options)
      return machine.view()
    },
    stop: async (id, { force = false } = {}) => {
      const machine = await find(id)
      await stop(machine, force)
      return machine.view()
    },
    restart: async (id, options = {}) => {
      const machine = await find(id)
      await stopMachine(machine)
      await startMachine(deps, machine, options)
      return machine.view()
    },
    resume: async (id) => {
      const machine = await find(id)
      if (machine.handle === undefined) throw notRunning(machine)
      machine.setState(await machine.handle.client.request('resume', {}))
      return machine.view()
    },
    remove: async (id) => {
      await registry.remove(await find(id))
    },
    setPorts: async (id, ports) => {
      const machine = await find(id)
      await setMachinePorts(deps, machine, ports)
      return machine.view()
    },
    connect: async (id, signal) => {
      const machine = await find(id)
      if (isActive(machine.state.status)) {
        await machine.until(({ status }) => status === 'running' || !isActive(status), signal)
      }
      if (machine.handle === undefined) throw notRunning(machine)
      return await deps.connect(machine.id, machine.handle, signal)
    },
    readConsole: async (id, maxBytes) =>
      await readConsoleTail(deps.paths.vm((await find(id)).id).consoleLog, maxBytes),
    followConsole: (id, listener) =>
      followConsoleFile(deps.paths.vm(vmIdSchema.parse(id)).consoleLog, listener),
    subscribe: (listener) => registry.subscribe(listener),
    close: () => registry.close(),
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
  return new MicrovmError('CONFLICT', `${spec.name} is ${state.status}`, {
    hint: `Start it: microvm start ${spec.name}`,
  })
}
