// SPDX-License-Identifier: Apache-2.0
// The run pipeline: preflight → image → disks → keys and config drive → runner. One launch of one
// machine, from its record to a runner that answers; the guest then boots by itself.
//
// Always: stages run in this order, each says in its errors what it was about, and what they leave on disk is
// whole and harmless if the launch ends there. Nothing runs yet that a failed launch would have to stop.
// Not here: claiming the machine, waiting for the boot, hooks after it (src/main/vms).
import { MicrovmError } from '../../contract/errors'
import type { RunnerConfigInput } from '../../contract/runner-config'
import type { BackendChoice } from '../../contract/vm-state'
import type { Backend, VmHandle } from '../hypervisor/backend'
import type { ImageStore, StoredImage } from '../image/image-store'
import { socketDirFor, type DataPaths } from '../lib/data-paths'
import type { Logger } from '../lib/logger'
import type { Parts } from '../lib/parts'
import { mergeChecks, requireChecks } from '../preflight/checks'
import { hostChecks } from '../preflight/host-checks'
import { ensureKeys } from '../ssh/keys'
import type { VmFiles } from '../state/vm-files'
import type { VmRecord } from '../state/vm-record'
import { writeConfigDrive } from './config-stage'
import { prepareImageDisk, prepareVmDisk } from './disk-stage'
import { obtainImage, pin } from './image-stage'
import { startClock, type LaunchClock } from './launch-clock'
import type { LaunchOptions } from './launch-options'

export interface LaunchDeps {
  readonly paths: DataPaths
  readonly files: VmFiles
  readonly images: ImageStore
  readonly backend: Backend
  readonly parts: () => Promise<Parts>
  readonly env: NodeJS.ProcessEnv
  readonly logger: Logger
}

/** How long the main process has after its stop signal. */
const STOP_GRACE_MS = 10_000

/**
 * @param startedAt milliseconds since the epoch: the user's click
 * @throws the failing stage's error; CANCELLED
 */
export async function launchVm(
  deps: LaunchDeps,
  record: VmRecord,
  startedAt: number,
  options: LaunchOptions,
): Promise<VmHandle> {
  const { onProgress, signal } = options
  const { spec, id } = record
  const clock = startClock(startedAt)

  const parts = await deps.parts()
  const choice = await checkHost(deps, parts, record, options)

  onProgress?.({ stage: 'image', message: `Looking for ${spec.image}` })
  const image = await obtainImage(deps.images, record, options)
  clock.mark('image')

  onProgress?.({ stage: 'disk', message: 'Preparing the disks' })
  const imageDisk = await prepareDisks(deps, parts, record, image, signal)
  await prepareConfigDrive(deps, record, image, options)
  await deps.files.updateRecord(id, (present) => ({ ...present, image: pin(image) }))
  clock.mark('disk')
  signal?.throwIfAborted()

  onProgress?.({ stage: 'network', message: 'Starting the runner' })
  const config = runnerConfig(deps, parts, record, choice, imageDisk, clock)
  const handle = await deps.backend.start(config, signal ? { signal } : {})
  // Only a note for pruning: a launch does not fail for it.
  void deps.images.markUsed(spec.image).catch((error: unknown) => {
    deps.logger.warn('the use of an image could not be noted', { image: spec.image, error })
  })
  return handle
}

async function checkHost(
  deps: LaunchDeps,
  parts: Parts,
  { spec }: VmRecord,
  { checks = [] }: LaunchOptions,
): Promise<BackendChoice> {
  const probe = await deps.backend.probe()
  await requireChecks(mergeChecks(hostChecks, checks), {
    parts,
    dataDir: deps.paths.root,
    backend: probe,
    wanted: spec,
  })
  if (probe.available) return probe.choice
  throw new MicrovmError('PREFLIGHT_FAILED', probe.reason, { hint: probe.hint })
}

/** @returns path of the image disk's descriptor */
async function prepareDisks(
  { images, paths, logger }: LaunchDeps,
  parts: Parts,
  { id, spec }: VmRecord,
  image: StoredImage,
  signal: AbortSignal | undefined,
): Promise<string> {
  const guestDir = found(parts, 'guest')
  const disk = { images, disksDir: paths.images.disks, guestDir, logger }
  const [descriptor] = await Promise.all([
    prepareImageDisk(disk, image, signal),
    prepareVmDisk(guestDir, paths.vm(id).disk, spec.diskMib),
  ])
  return descriptor
}

async function prepareConfigDrive(
  { paths }: LaunchDeps,
  { id, spec }: VmRecord,
  image: StoredImage,
  options: LaunchOptions,
): Promise<void> {
  const vm = paths.vm(id)
  const keys = await ensureKeys(vm.keys, vm.knownHosts)
  const wanted = { spec, image: image.view.config, keys, stopGraceMs: STOP_GRACE_MS }
  await writeConfigDrive(vm.configDrive, wanted, options)
}

function runnerConfig(
  { paths, env }: LaunchDeps,
  parts: Parts,
  { id, spec }: VmRecord,
  backend: BackendChoice,
  imageDisk: string,
  clock: LaunchClock,
): RunnerConfigInput {
  const vm = paths.vm(id)
  return {
    vmId: id,
    name: spec.name,
    vmDir: vm.dir,
    socketDir: socketDirFor(vm.dir, id, env),
    backend,
    cpus: spec.cpus,
    memoryMib: spec.memoryMib,
    root: { kind: 'disk', image: imageDisk, vm: vm.disk, config: vm.configDrive },
    vmm: { kind: 'qemu', executable: found(parts, 'qemu'), kernel: found(parts, 'kernel') },
    gvproxy: found(parts, 'gvproxy'),
    ports: spec.ports,
    stopGraceMs: STOP_GRACE_MS,
    launch: { startedAt: clock.startedAt, timeline: [...clock.timeline] },
  }
}

function found(parts: Parts, name: keyof Parts): string {
  const part = parts[name]
  if (part.found) return part.path
  throw new MicrovmError('PREFLIGHT_FAILED', `the ${name} is missing`, { hint: part.hint })
}
