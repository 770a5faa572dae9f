// SPDX-License-Identifier: Apache-2.0
// Machines over a real data directory, with fake runners in place of real ones.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { VmState } from '../../../../src/contract/vm-state'
import type { Machines } from '../../../../src/main/engine'
import { dataPaths, type DataPaths } from '../../../../src/main/lib/data-paths'
import { silentLogger } from '../../../../src/main/lib/logger'
import { isAlive } from '../../../../src/main/lib/process-identity'
import { createVmFiles, initialState } from '../../../../src/main/state/vm-files'
import { createMachines, type MachinesDeps } from '../../../../src/main/vms/machines'
import { FakeRunner } from './fake-runner'

export interface Rig {
  readonly paths: DataPaths
  readonly runners: Map<string, FakeRunner>
  /** Each call is another process on the same data directory, as far as machines can tell. */
  open(changes?: Partial<MachinesDeps>): Machines
  writeState(id: string, state: Partial<VmState>): Promise<void>
  dispose(): Promise<void>
}

export async function makeRig(): Promise<Rig> {
  const root = await mkdtemp(join(tmpdir(), 'microvm-machines-'))
  const paths = dataPaths(root)
  const runners = new Map<string, FakeRunner>()
  const opened: (Machines & { close(): Promise<void> })[] = []

  const standard: MachinesDeps = {
    paths,
    files: createVmFiles(paths),
    env: {},
    logger: silentLogger,
    now: Date.now,
    checkReference: () => undefined,
    adopt: async (id, state) =>
      state.runner !== undefined && (await isAlive(state.runner))
        ? runners.get(id)?.handle()
        : undefined,
    askRunner: async (id) => runners.get(id)?.state,
    launch: async ({ id }) => {
      const runner = await FakeRunner.start(id, paths.vm(id).state)
      runners.set(id, runner)
      setTimeout(() => void runner.say({ status: 'running', startedAt: Date.now() }), 5)
      return runner.handle()
    },
    connect: () => Promise.reject(new Error('no guest here')),
  }

  return {
    paths,
    runners,
    open: (changes = {}) => {
      const machines = createMachines({ ...standard, files: createVmFiles(paths), ...changes })
      opened.push(machines)
      return machines
    },
    writeState: (id, state) =>
      writeFile(paths.vm(id).state, JSON.stringify({ ...initialState, ...state })),
    dispose: async () => {
      for (const machines of opened) await machines.close()
      for (const runner of runners.values()) await runner.die()
      await rm(root, { recursive: true, force: true })
    },
  }
}
