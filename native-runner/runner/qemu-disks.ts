// SPDX-License-Identifier: Apache-2.0
// A machine's disks as QEMU gets them: which block devices there are, and what is behind each. Pure. Paths are JSON, so that none needs escaping; the files of extra disks are inherited descriptors, as sets that
// QEMU opens by number.
import { join, relative } from 'node:path'
import type { RunnerConfig, RunnerDisk, RunnerRoot } from '../../src/contract/runner-config'
import { vmdkDescriptor } from '../../src/main/lib/vmdk'

export interface DiskConfig extends Pick<RunnerConfig, 'vmDir' | 'disks'> {
  readonly root: Extract<RunnerRoot, { kind: 'disk' }>
}

/** Of what our descriptors look like. */
const FORMAT_VERSION = 1
const CONFIG_DEVICE = 'vdc'

/** A block device that extra disks lie on. */
interface SharedDevice {
  readonly name: string
  readonly readOnly: boolean
  /** With their places among all disks. */
  readonly disks: readonly { readonly index: number; readonly sizeBytes: number }[]
}

/** In the order of their names. */
function sharedDevices(disks: readonly RunnerDisk[]): SharedDevice[] {
  const names = [...new Set(disks.map(({ device }) => device))].toSorted()
  return names.map((name) => {
    const on = disks.flatMap((one, index) => (one.device === name ? [{ ...one, index }] : []))
    return { name, readOnly: on.every(({ readOnly }) => readOnly), disks: on }
  })
}

const extraDevices = ({ disks }: Pick<DiskConfig, 'disks'>): SharedDevice[] =>
  sharedDevices(disks).filter(({ name }) => name !== CONFIG_DEVICE)

/** Block devices after vda, vdb, vdc. */
export const countExtraDevices = (config: Pick<DiskConfig, 'disks'>): number =>
  extraDevices(config).length

/** A file's set, which QEMU opens as /dev/fdset/N. */
const setOf = (index: number): string => `/dev/fdset/${index}`
const descriptorFile = (device: string): string => `${device}.vmdk`

/** Options that make inherited descriptors known, the first of them being `firstFd`. */
export function descriptorSets(disks: readonly RunnerDisk[], firstFd: number): string[] {
  return disks.flatMap((_, index) => ['-add-fd', `fd=${firstFd + index},set=${index}`])
}

/**
 * VMDK descriptors, by file name in `vmDir`: of devices that hold several files.
 * @param configBytes size of the config drive
 */
export function diskDescriptors(config: DiskConfig, configBytes: number): Map<string, string> {
  const { vmDir, root, disks } = config
  const drive = { file: relative(vmDir, root.config), size: configBytes }
  return new Map(
    sharedDevices(disks)
      .filter(isDescribed)
      .map(({ name, disks: on }) => {
        const files = on.map(({ index, sizeBytes }) => ({ file: setOf(index), size: sizeBytes }))
        const extents = name === CONFIG_DEVICE ? [drive, ...files] : files
        return [descriptorFile(name), vmdkDescriptor(extents, FORMAT_VERSION)] as const
      }),
  )
}

const isDescribed = ({ name, disks }: SharedDevice): boolean =>
  name === CONFIG_DEVICE || disks.length > 1

/** @param bus of the block device of that place in the guest's order */
export function diskArguments(config: DiskConfig, bus: (place: number) => string): string[] {
  const { root, vmDir, disks } = config
  const described = (name: string, readOnly: boolean): object => ({
    driver: 'vmdk',
    ...(readOnly ? { 'read-only': true } : {}),
    file: file(join(vmDir, descriptorFile(name)), readOnly),
  })
  const onConfig = disks.some(({ device }) => device === CONFIG_DEVICE)
  const drive = onConfig
    ? described(CONFIG_DEVICE, true)
    : { driver: 'raw', 'read-only': true, file: file(root.config, true) }
  return [
    ...disk(bus(0), 'image', {
      driver: 'vmdk',
      'read-only': true,
      file: file(root.image, true),
    }),
    ...disk(bus(1), 'vm', written(root.vm), pausing),
    ...disk(bus(2), 'config', drive),
    ...extraDevices(config).flatMap((device, place) => {
      const { name, readOnly } = device
      const [first] = device.disks
      const path = setOf(first?.index ?? 0)
      const single = readOnly
        ? { driver: 'raw', 'read-only': true, file: file(path, true) }
        : written(path)
      const node = isDescribed(device) ? described(name, readOnly) : single
      return disk(bus(3 + place), name, node, readOnly ? {} : pausing)
    }),
  ]
}

/** A full disk of the host pauses the machine instead of failing the guest's writes. */
const pausing = { werror: 'stop', rerror: 'report' }

const file = (filename: string, readOnly: boolean): object => ({
  driver: 'file',
  filename,
  'read-only': readOnly,
})

const written = (path: string): object => ({
  driver: 'raw',
  discard: 'unmap',
  'detect-zeroes': 'unmap',
  file: { ...file(path, false), discard: 'unmap' },
})

function disk(bus: string, name: string, node: object, options: object = {}): string[] {
  const device = { driver: 'virtio-blk-device', drive: name, bus, ...options }
  return [
    ...['-blockdev', JSON.stringify({ 'node-name': name, ...node })],
    ...['-device', JSON.stringify(device)],
  ]
}
