// SPDX-License-Identifier: Apache-2.0
// The run pipeline: preflight → image → root and config → runner. One launch of one
// machine, from its record to a runner that answers; the guest then boots by itself.
//
// Always: stages run in this order, each says in its errors what it was about, and what they leave on disk is
// whole and harmless if the launch ends there. Nothing runs yet that a failed launch would have to stop.
// Not here: claiming the machine, waiting for the boot, hooks after it (src/main/vms).
import { MicrovmError } from '../../contract/errors'
import type { RunnerConfigInput } from '../../contract/runner-config'
import type { Backend, VmHandle } from '../hypervisor/backend'
import { chooseBackend, probeBackends, type ChosenBackend } from '../hypervisor/choose-backend'
import type { DiskImages } from '../image/disk/disk-images'
import type { ImageStore } from '../image/image-store'
import { socketDirFor, type DataPaths } from '../lib/data-paths'
import type { Logger } from '../lib/logger'
import { requirePart, type Parts } from '../lib/parts'
import { mergeChecks, requireChecks } from '../preflight/checks'
import { hostChecks } from '../preflight/host-checks'
import { ensureKeys } from '../ssh/keys'
import type { VmFiles } from '../state/vm-files'
import type { VmRecord } from '../state/vm-record'
import { configEntries } from './config-stage'
import { prepareDiskFiles, requireRawFiles } from './disk-files'
import { runnerDisks } from './disks'
import { obtainImage, pin } from './image-stage'
import { startClock } from './launch-clock'
import type { LaunchOptions } from './launch-options'
import { prepareRoot, presentRoot } from './root-stage'
import { runnerShares } from './shares'

export interface LaunchDeps {
  readonly paths: DataPaths
  readonly files: VmFiles
  readonly images: ImageStore
  readonly diskImages: Pick<DiskImages, 'ensure'>
  /** In order of preference. */
  readonly backends: readonly Backend[]
  /** Each runner in a user namespace of its own. */
  readonly userNamespace: boolean
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
  const { backend, probe } = await checkHost(deps, parts, record, options)
  await requireRawFiles(spec.disks)
  const vmm = await backend.prepare({ shares: spec.mounts.length > 0 })

  onProgress?.({ stage: 'image', message: `Looking for ${spec.image}` })
  const image = await obtainImage(deps.images, record, options)
  clock.mark('image')

  onProgress?.({ stage: 'disk', message: 'Preparing the disks' })
  const vm = deps.paths.vm(id)
  const keys = await ensureKeys(vm.keys, vm.knownHosts)
  const diskDeps = { images: deps.diskImages, copiesDir: vm.disks }
  const diskFiles = await prepareDiskFiles(diskDeps, spec.disks, options)
  const disks = runnerDisks(vmm, spec.disks, diskFiles)
  const wanted = { spec, image: image.view.config, keys, stopGraceMs: STOP_GRACE_MS, disks }
  const entries = configEntries(wanted, options)
  const stage = { ...deps, guestDir: requirePart(parts, 'guest', 'guest bundle'), vm }
  const root = await prepareRoot(stage, probe.rootfs, { image, entries, spec, signal })
  await deps.files.updateRecord(id, (present) => ({ ...present, image: pin(image) }))
  clock.mark('disk')
  signal?.throwIfAborted()

  onProgress?.({ stage: 'network', message: 'Starting the runner' })
  const config: RunnerConfigInput = {
    vmId: id,
    name: spec.name,
    vmDir: vm.dir,
    socketDir: socketDirFor(vm.dir, id, deps.env),
    backend: probe.choice,
    cpus: spec.cpus,
    memoryMib: spec.memoryMib,
    root,
    shares: runnerShares(spec.mounts),
    disks,
    vmm,
    gvproxy: requirePart(parts, 'gvproxy', 'gvproxy'),
    ports: spec.ports,
    stopGraceMs: STOP_GRACE_MS,
    launch: { startedAt: clock.startedAt, timeline: [...clock.timeline] },
  }
  const handle = await backend.start(config, signal ? { signal } : {})
  // Only a note for pruning: a launch does not fail for it.
  void deps.images.markUsed(spec.image).catch((error: unknown) => {
    deps.logger.warn('the use of an image could not be noted', { image: spec.image, error })
  })
  return handle
}

/** @throws PREFLIGHT_FAILED, PORT_IN_USE with everything the machine misses here */
async function checkHost(
  deps: LaunchDeps,
  parts: Parts,
  { id, spec }: VmRecord,
  { checks = [] }: LaunchOptions,
): Promise<Extract<ChosenBackend, { found: true }>> {
  const backends = await probeBackends(deps.backends)
  const root = await presentRoot(deps.paths.vm(id))
  const chosen = chooseBackend(backends, {
    backend: spec.backend,
    root,
    disks: spec.disks.length > 0,
  })
  await requireChecks(mergeChecks(hostChecks, checks), {
    parts,
    dataDir: deps.paths.root,
    backends,
    chosen,
    userNamespace: deps.userNamespace,
    wanted: spec,
  })
  if (chosen.found) return chosen
  // A caller's check has taken the place of ours.
  throw new MicrovmError('PREFLIGHT_FAILED', chosen.reason, { hint: chosen.hint })
}
