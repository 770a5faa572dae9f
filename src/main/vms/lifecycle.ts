// SPDX-License-Identifier: Apache-2.0
// What one can do with one machine: start, stop, restart, resume, remove, change its ports.
//
// Always: two processes never launch the same machine, since a launch is claimed in state.json
// under its lock; a launch that fails or is cancelled leaves no process and says why in the state;
// a machine is deleted by one rename, so it is there whole or not at all.
import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { MicrovmError } from '../../contract/errors'
import type { Progress } from '../../contract/images'
import type { PortForward } from '../../contract/vm-spec'
import { STATE_VERSION, type VmState } from '../../contract/vm-state'
import type { VmHandle } from '../hypervisor/backend'
import { socketDirFor, type DataPaths } from '../lib/data-paths'
import { identifyProcess, isAlive, signalProcess } from '../lib/process-identity'
import { removeTree } from '../lib/remove-tree'
import type { LaunchOptions } from '../run/launch-options'
import type { GuestConnection } from '../ssh/guest-connection'
import type { VmFiles } from '../state/vm-files'
import type { VmRecord } from '../state/vm-record'
import { bootProgress } from './boot-progress'
import { isActive } from './judge-state'
import type { Machine } from './machine'

export interface LifecycleDeps {
  readonly paths: DataPaths
  readonly files: VmFiles
  readonly env: NodeJS.ProcessEnv
  /** The run pipeline, up to a runner that answers. */
  launch(record: VmRecord, startedAt: number, options: LaunchOptions): Promise<VmHandle>
  /** Opens a shell connection to a machine that is up. */
  connect(id: string, handle: VmHandle, signal?: AbortSignal): Promise<GuestConnection>
  now(): number
}

/** A runner that does not answer its socket gets TERM, then KILL after this long. */
const MUTE_RUNNER_MS = 10_000

/** Resolves when a shell can be had, or when the machine has already ended by itself. */
export async function startMachine(
  deps: LifecycleDeps,
  machine: Machine,
  options: LaunchOptions,
): Promise<void> {
  const startedAt = deps.now()
  if (machine.launch !== undefined) throw busy(machine, 'starting')
  const cancel = new AbortController()
  const signal = options.signal ? AbortSignal.any([options.signal, cancel.signal]) : cancel.signal
  const launch = async (): Promise<void> => {
    try {
      await claimLaunch(deps, machine)
      await bootMachine(deps, machine, startedAt, { ...options, signal })
    } finally {
      machine.launch = undefined
      machine.setProgress(undefined)
    }
  }
  const ended = launch()
  machine.launch = { cancel, ended: ended.catch(() => undefined) }
  await ended
}

/** @throws CONFLICT if it runs or is being launched, by whichever process */
async function claimLaunch(deps: LifecycleDeps, machine: Machine): Promise<void> {
  machine.requireKnownVersion()
  await machine.runnerEnded()
  await machine.correct()
  const launcher = await identifyProcess(process.pid)
  const state = await deps.files.updateState(machine.id, (present) => {
    if (isActive(present.status)) throw busy(machine, present.status)
    return {
      version: STATE_VERSION,
      status: 'starting',
      ...(launcher === undefined ? {} : { launcher }),
      ports: [],
      timeline: [],
    }
  })
  machine.setState(state)
}

async function bootMachine(
  deps: LifecycleDeps,
  machine: Machine,
  startedAt: number,
  options: LaunchOptions & { signal: AbortSignal },
): Promise<void> {
  const { signal } = options
  const onProgress = (progress: Progress): void => {
    machine.setProgress(progress)
    options.onProgress?.(progress)
  }
  let handle: VmHandle | undefined
  try {
    handle = await deps.launch(machine.record, startedAt, { ...options, onProgress })
    handle.client.onState(({ status, timeline }) => {
      if (status === 'starting') onProgress(bootProgress(timeline))
    })
    await machine.follow(handle)
    // The launch has pinned the image in the machine's record.
    await machine.refresh()
    const up = await machine.until(
      ({ status }) => status !== 'starting' && status !== 'paused',
      signal,
    )
    if (up.status === 'failed') throw failureOf(machine, up)
    if (up.status === 'running') await runHooks(deps, machine, handle, options)
  } catch (error) {
    const cause = MicrovmError.from(signal.aborted ? signal.reason : error)
    await handle?.stop({ force: true })
    await recordFailure(deps, machine, cause)
    throw cause
  }
}

async function runHooks(
  deps: LifecycleDeps,
  machine: Machine,
  handle: VmHandle,
  { afterBoot = [], signal }: LaunchOptions,
): Promise<void> {
  if (afterBoot.length === 0) return
  const connection = await deps.connect(machine.id, handle, signal)
  try {
    for (const hook of afterBoot) {
      await hook
        .run({ id: machine.id, spec: machine.spec, connection, signal })
        .catch((error: unknown) => {
          throw MicrovmError.inContext(`after boot: ${hook.name}`, error)
        })
    }
  } finally {
    connection.close()
  }
}

/** The reason goes into the state, unless the runner has already written a better one. */
async function recordFailure(
  deps: LifecycleDeps,
  machine: Machine,
  error: MicrovmError,
): Promise<void> {
  const cancelled = error.code === 'CANCELLED'
  const state = await deps.files
    .updateState(machine.id, (present) => {
      if (present.status === 'failed') return undefined
      const { runner: _runner, socket: _socket, launcher: _launcher, ...rest } = present
      return {
        ...rest,
        status: cancelled ? 'stopped' : 'failed',
        stoppedAt: deps.now(),
        ports: [],
        ...(cancelled ? {} : { error: error.toWire() }),
      }
    })
    .catch(() => undefined)
  if (state !== undefined) machine.setState(state)
}

function failureOf(machine: Machine, state: VmState): MicrovmError {
  return state.error === undefined
    ? new MicrovmError('GUEST_BOOT_FAILED', `${machine.spec.name} did not start`, {
        hint: `See its console: microvm logs ${machine.spec.name}`,
      })
    : MicrovmError.fromWire(state.error)
}

/** Resolves when it is off and nothing of it is left running. Without effect on one that is off. */
export async function stopMachine(
  machine: Machine,
  { force = false }: { force?: boolean } = {},
): Promise<void> {
  if (machine.launch !== undefined) {
    machine.launch.cancel.abort(new MicrovmError('CANCELLED', 'the launch was stopped'))
    await machine.launch.ended
  }
  await machine.refresh()
  machine.requireKnownVersion()
  const { handle, state } = machine
  if (handle !== undefined) {
    const last = await handle.stop({ force })
    if (last !== undefined) machine.setState(last)
    machine.disconnect()
  } else if (state.runner !== undefined && isActive(state.status)) {
    await endMuteRunner(state.runner)
  } else if (isActive(state.status)) {
    throw new MicrovmError(
      'CONFLICT',
      `${machine.spec.name} is being launched by another process`,
      {
        hint: 'Wait until it runs, or cancel the launch where it was begun.',
      },
    )
  }
  await machine.refresh()
}

async function endMuteRunner(runner: NonNullable<VmState['runner']>): Promise<void> {
  await signalProcess(runner, 'SIGTERM')
  const deadline = Date.now() + MUTE_RUNNER_MS
  while (await isAlive(runner)) {
    if (Date.now() > deadline) await signalProcess(runner, 'SIGKILL')
    await sleep(50)
  }
}

/** Stops it, then deletes everything of it. */
export async function removeMachine(deps: LifecycleDeps, machine: Machine): Promise<void> {
  await stopMachine(machine, { force: true })
  const { paths, files } = deps
  const { dir, lock } = paths.vm(machine.id)
  const trash = join(paths.vms, `.trash-${machine.id}-${deps.now()}`)
  const socketDir = socketDirFor(dir, machine.id, deps.env)
  await files.locked(machine.id, async () => {
    const renamed = await rename(dir, trash).then(() => true, falseIfMissing)
    if (!renamed) throw new MicrovmError('NOT_FOUND', `there is no machine ${machine.id} any more`)
  })
  machine.removed()
  await Promise.all([
    removeTree(trash),
    rm(lock, { force: true }),
    ...(socketDir === dir ? [] : [rm(socketDir, { recursive: true, force: true })]),
  ])
}

function falseIfMissing(error: unknown): false {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
  throw error
}

/** At once if it runs, and for every start to come. */
export async function setMachinePorts(
  deps: LifecycleDeps,
  machine: Machine,
  ports: readonly PortForward[],
): Promise<void> {
  checkPorts(ports)
  machine.requireKnownVersion()
  const { handle, state } = machine
  if (isActive(state.status)) {
    if (handle === undefined || state.status !== 'running') throw busy(machine, state.status)
    await handle.client.request('setPorts', { ports: [...ports] })
    machine.setState(await handle.client.request('status', {}))
  }
  const change = (record: VmRecord): VmRecord => ({
    ...record,
    spec: { ...record.spec, ports: [...ports] },
  })
  machine.setRecord(await deps.files.updateRecord(machine.id, change))
}

/** @throws INVALID_ARGUMENT when two forwards want the same host port */
export function checkPorts(ports: readonly PortForward[]): void {
  const chosen = ports.map(({ host }) => host).filter((host) => host !== 0)
  const twice = chosen.find((host, index) => chosen.indexOf(host) !== index)
  if (twice === undefined) return
  throw new MicrovmError('INVALID_ARGUMENT', `host port ${twice} is forwarded twice`, {
    hint: 'Give each forward a host port of its own.',
  })
}

function busy({ spec }: Machine, status: VmState['status']): MicrovmError {
  return new MicrovmError('CONFLICT', `${spec.name} is ${status}`, {
    hint: status === 'running' ? 'Stop it first.' : 'Wait until that is done, then try again.',
  })
}
