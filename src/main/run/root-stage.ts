// SPDX-License-Identifier: Apache-2.0
// Stage `disk`: what the guest boots from, in the kind its backend takes, with the config of this start.
import { lstat } from 'node:fs/promises'
import { MicrovmError } from '../../contract/errors'
import type { RunnerRoot } from '../../contract/runner-config'
import type { VmSpec } from '../../contract/vm-spec'
import type { ImageStore, StoredImage } from '../image/image-store'
import { writeFileAtomic } from '../lib/atomic-file'
import type { DataPaths, VmPaths } from '../lib/data-paths'
import type { Logger } from '../lib/logger'
import { buildErofs, type InlineEntry } from '../rootfs/erofs/inline-image'
import { prepareDirectory } from './directory-stage'
import { prepareImageDisk, prepareVmDisk } from './disk-stage'

export interface RootDeps {
  readonly paths: DataPaths
  readonly images: ImageStore
  readonly logger: Logger
  /** Folder of the guest bundle. */
  readonly guestDir: string
  readonly vm: VmPaths
}

export interface RootRequest {
  readonly image: StoredImage
  readonly spec: Pick<VmSpec, 'diskMib'>
  /** Files of the config drive. */
  readonly entries: readonly InlineEntry[]
  readonly signal: AbortSignal | undefined
}

export async function prepareRoot(
  deps: RootDeps,
  kind: RunnerRoot['kind'],
  request: RootRequest,
): Promise<RunnerRoot> {
  return await (kind === 'disk' ? prepareDisks : prepareDirectory)(deps, request)
}

async function prepareDisks(
  { paths, images, logger, guestDir, vm }: RootDeps,
  { image, spec, entries, signal }: RootRequest,
): Promise<RunnerRoot> {
  const disk = { images, disksDir: paths.images.disks, guestDir, logger }
  const [descriptor] = await Promise.all([
    prepareImageDisk(disk, image, signal),
    prepareVmDisk(guestDir, vm.disk, spec.diskMib),
    writeFileAtomic(vm.configDrive, buildErofs(entries)),
  ])
  return { kind: 'disk', image: descriptor, vm: vm.disk, config: vm.configDrive }
}

/** What a machine's data lies on; undefined before its first start. */
export async function presentRoot(
  vm: Pick<VmPaths, 'disk' | 'rootDir'>,
): Promise<RunnerRoot['kind'] | undefined> {
  if (await exists(vm.disk)) return 'disk'
  return (await exists(vm.rootDir)) ? 'directory' : undefined
}

async function exists(path: string): Promise<boolean> {
  return await lstat(path).then(
    () => true,
    (error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
      throw MicrovmError.from(error)
    },
  )
}
