// SPDX-License-Identifier: Apache-2.0
// A runner in a folder of its own, started the way the app starts it. After each test nothing of it
// may be left: no process, no socket, no temp file.
import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RunnerConfigInput } from '../../src/contract/runner-config'
import { vmStateSchema, type VmState } from '../../src/contract/vm-state'
import type { VmHandle } from '../../src/main/hypervisor/backend'
import { spawnRunner } from '../../src/main/hypervisor/spawn-runner'
import { entryPoint } from '../../src/main/lib/entry-points'
import { processesNaming } from './cli'

/** What the runner may leave in the machine's folder. */
const KEPT = /^(runner\.json|runner\.log|state\.json|console\.log)$/
const WAIT_MS = 30_000

export interface RunnerFixture {
  /** The machine's folder. */
  readonly dir: string
  readonly config: RunnerConfigInput
  /** Folder of the machine's disks. */
  readonly disksDir: string
  start(change?: Partial<RunnerConfigInput>): Promise<VmHandle>
  state(): Promise<VmState>
  /** Waits until state.json says so. */
  until(what: (state: VmState) => boolean): Promise<VmState>
  /** Command lines of everything that has this machine's folder in its own. */
  processes(): Promise<string[]>
  log(): Promise<string>
  console(): Promise<string>
  /** Files that should not be there any more. */
  leftovers(): Promise<string[]>
  dispose(): Promise<void>
}

/** @param given what the fixture cannot know: parts and disks */
export async function makeRunner(
  given: Pick<RunnerConfigInput, 'vmm' | 'gvproxy'> & { imageDisk?: string },
): Promise<RunnerFixture> {
  const home = await mkdtemp(join(tmpdir(), 'microvm-runner-'))
  const dir = join(home, 'vm')
  const disks = join(home, 'disks')
  await mkdir(dir, { mode: 0o700 })
  await mkdir(disks)
  const root = {
    kind: 'disk' as const,
    image: given.imageDisk ?? join(disks, 'image'),
    vm: join(disks, 'disk.ext4'),
    config: join(disks, 'config.erofs'),
  }
  const config: RunnerConfigInput = {
    vmId: '0123456789ab',
    name: 'fixture',
    vmDir: dir,
    socketDir: dir,
    backend: { name: 'qemu', accelerator: 'tcg', reason: 'test' },
    cpus: 1,
    memoryMib: 256,
    root,
    vmm: given.vmm,
    gvproxy: given.gvproxy,
    ports: [],
    stopGraceMs: 200,
    launch: { startedAt: Date.now(), timeline: [{ name: 'image', at: 0 }] },
  }
  if (given.imageDisk === undefined) await writeFile(root.image, '')
  await writeFile(root.vm, '')
  await truncate(root.vm, 64 * 1024 * 1024)
  await writeFile(root.config, Buffer.alloc(8192))
  const handles: VmHandle[] = []
  const read = (name: string) => readFile(join(dir, name), 'utf8').catch(() => '')
  const state = async (): Promise<VmState> =>
    vmStateSchema.parse(JSON.parse(await readFile(join(dir, 'state.json'), 'utf8')))
  return {
    dir,
    config,
    disksDir: disks,
    start: async (change = {}) => {
      const launch = { startedAt: Date.now(), timeline: [{ name: 'image', at: 0 }] }
      const handle = await spawnRunner({ ...config, launch, ...change }, { script: runnerScript() })
      handles.push(handle)
      return handle
    },
    state,
    until: async (what) => {
      const deadline = Date.now() + WAIT_MS
      for (;;) {
        const now = await state()
        if (what(now)) return now
        if (Date.now() > deadline)
          throw new Error(`still ${JSON.stringify(now)}\n${await read('runner.log')}`)
        await sleep(20)
      }
    },
    processes: () => processesNaming(home),
    log: () => read('runner.log'),
    console: () => read('console.log'),
    leftovers: async () => (await readdir(dir)).filter((name) => !KEPT.test(name)),
    dispose: async () => {
      for (const handle of handles) handle.client.close()
      for (const line of await processesNaming(home)) {
        try {
          process.kill(Number(line.split(' ')[0]), 'SIGKILL')
        } catch {
          // it ended by itself meanwhile
        }
      }
      await rm(home, { recursive: true, force: true })
    },
  }
}

/** The built runner; another build of it can be named while working on it. */
export const runnerScript = (): string => process.env['MICROVM_TEST_RUNNER'] ?? entryPoint('runner')

/** Resolves as soon as no process names the fixture's folder, or gives what is left after `patienceMs`. */
export async function allGone(fixture: RunnerFixture, patienceMs = 5000): Promise<string[]> {
  const deadline = Date.now() + patienceMs
  for (;;) {
    const left = await fixture.processes()
    if (left.length === 0 || Date.now() > deadline) return left
    await sleep(20)
  }
}

export const support = (name: string): string => resolve(import.meta.dirname, name)
