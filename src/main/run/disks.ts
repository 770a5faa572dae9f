// SPDX-License-Identifier: Apache-2.0
// The extra disks of a machine, for both ends: the runner, which gives each to the guest on some block device, and
// the guest's init, which finds it there, names it and mounts it. Pure.
import type { RunnerDisk, RunnerVmm } from '../../contract/runner-config'
import type { DiskSpec } from '../../contract/vm-spec'
import type { GuestConfig } from '../guest/config-drive'

export interface DiskFile {
  /** A raw file of the host. */
  readonly path: string
  readonly sizeBytes: number
}

const SECTOR_BYTES = 512
/** The first block device after those every machine has. */
const FIRST_DEVICE = 'd'.charCodeAt(0)

/**
 * Where there is room, a device for each disk. QEMU's `microvm` has room for one more at most: there the read-only
 * ones lie behind the config drive, which is read-only, too, and those that are written share the one.
 * @param files one for each disk
 */
export function runnerDisks(
  vmm: RunnerVmm,
  disks: readonly DiskSpec[],
  files: readonly DiskFile[],
): RunnerDisk[] {
  const isCrowded = vmm.kind === 'qemu' && vmm.machine !== 'virt'
  const deviceOf = (readOnly: boolean, index: number): string => {
    if (isCrowded) return readOnly ? 'vdc' : 'vdd'
    return `vd${String.fromCharCode(FIRST_DEVICE + index)}`
  }
  return files.map(({ path, sizeBytes }, index) => {
    const readOnly = disks[index]?.readOnly ?? true
    return { path, readOnly, sizeBytes, device: deviceOf(readOnly, index) }
  })
}

export function guestDisks(
  disks: readonly DiskSpec[],
  placed: readonly RunnerDisk[],
): GuestConfig['disks'] {
  return placed.map(({ device, sizeBytes, readOnly }, index) => {
    const target = disks[index]?.guestPath
    return {
      device,
      sectors: sizeBytes / SECTOR_BYTES,
      readOnly,
      ...(target === undefined ? {} : { target }),
    }
  })
}
