// SPDX-License-Identifier: Apache-2.0
// The command line of QEMU for one machine: the `microvm` type (on arm64 `virt`), which boots the kernel directly
// and has virtio-mmio slots instead of PCI: eight, and as many as we use of the 32 of `virt`. Pure. Everything QEMU talks through is an inherited
// descriptor, so that no socket of it lies on disk; disks are JSON, so that no path needs escaping.
import { CONTROL_PORT_NAME, SHARES_TAG } from '../../src/contract/guest-protocol'
import type { RunnerConfig, RunnerRoot, RunnerVmm } from '../../src/contract/runner-config'
import { topology } from '../net/topology'

/** Descriptors QEMU inherits, in the order of `Child.channels`. */
export const qemuChannels = ['console', 'control', 'network', 'qmp'] as const
const FIRST_FD = 3
const fd = (channel: (typeof qemuChannels)[number]): number =>
  FIRST_FD + qemuChannels.indexOf(channel)
/** The connection to virtiofsd, where there are shares: `Child.sockets`. */
const SHARES_FD = FIRST_FD + qemuChannels.length

/**
 * virtio-mmio slot of each device on `microvm`. Linux probes the highest slot first, so the disks go downwards
 * to become vda, vdb, vdc. Slot 3 stays empty: its interrupt 8 is the clock's. One slot is left for
 * all shared folders together.
 */
const slots = { shares: 7, rng: 6, network: 5, serial: 4, image: 2, vm: 1, config: 0 } as const
/** Of the slots of `virt` Linux probes the lowest first: the same order from the other end. */
const LAST_VIRT_SLOT = 31

/** Emulated code meets no speculating processor of the guest's own: its guards would only cost time. */
const emulatedArguments = ['mitigations=off']
const kernelArguments = [
  'console=hvc0',
  'root=/dev/vda',
  'rootfstype=erofs',
  'ro',
  'init=/.microvm/init',
  'quiet',
  'panic=-1',
  'reboot=t',
]

type Disks = Extract<RunnerRoot, { kind: 'disk' }>
export interface QemuConfig extends Pick<
  RunnerConfig,
  'backend' | 'cpus' | 'memoryMib' | 'shares'
> {
  readonly root: Disks
  readonly vmm: Extract<RunnerVmm, { kind: 'qemu' }>
}

/** Arguments, without the program's name. */
export function qemuArguments(config: QemuConfig, platform: NodeJS.Platform): string[] {
  const slot = slotsOf(config.vmm.machine)
  return [
    ...machine(config),
    ...(platform === 'linux' && config.vmm.sandbox !== false ? sandbox : []),
    ...socket('qmp'),
    ...['-mon', 'chardev=qmp,mode=control'],
    ...socket('console'),
    ...socket('control'),
    ...device({ driver: 'virtio-serial-device', bus: slot('serial') }),
    ...device({ driver: 'virtconsole', chardev: 'console' }),
    ...device({ driver: 'virtserialport', chardev: 'control', name: CONTROL_PORT_NAME }),
    ...['-netdev', `stream,id=network,addr.type=fd,addr.str=${fd('network')}`],
    ...device({
      driver: 'virtio-net-device',
      netdev: 'network',
      mac: topology.guestMac,
      bus: slot('network'),
    }),
    ...device({ driver: 'virtio-rng-device', bus: slot('rng') }),
    ...disks(config.root, slot),
    ...(config.shares.length > 0 ? sharedFolders(config, slot) : []),
    ...['-kernel', config.vmm.kernel],
    ...['-append', kernelCommandLine(config)],
  ]
}

function kernelCommandLine({ backend }: QemuConfig): string {
  const extra = backend.accelerator === 'tcg' ? emulatedArguments : []
  return [...kernelArguments, ...extra].join(' ')
}

/** acpi=off: only then does QEMU tell the kernel of the virtio-mmio devices on its command line. */
const microvm = 'microvm,x-option-roms=off,rtc=on,acpi=off,isa-serial=off'
const virt = 'virt,acpi=off,gic-version=max'

function machine({ backend, cpus, memoryMib, vmm }: QemuConfig): string[] {
  const accelerator = backend.accelerator === 'tcg' ? 'tcg,thread=multi' : backend.accelerator
  return [
    ...['-M', vmm.machine === 'virt' ? virt : microvm],
    ...['-accel', accelerator],
    ...['-cpu', backend.accelerator === 'tcg' ? 'max' : 'host'],
    ...['-smp', String(cpus)],
    ...['-m', `${memoryMib}M`],
    ...['-global', 'virtio-mmio.force-legacy=false'],
    ...['-nodefaults', '-no-user-config'],
    ...['-display', 'none'],
    // A reset of the guest ends QEMU; whether it comes again is the supervisor's decision.
    '-no-reboot',
  ]
}

/** seccomp: no new program, no other user, no changed scheduling, no obsolete system call. */
const sandbox = [
  '-sandbox',
  'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny',
]

/** virtiofsd reads and writes the guest's memory, which therefore lies in a file both have open. */
function sharedFolders({ memoryMib }: QemuConfig, slot: Slot): string[] {
  return [
    ...['-object', `memory-backend-memfd,id=memory,size=${memoryMib}M,share=on`],
    ...['-machine', 'memory-backend=memory'],
    ...['-chardev', `socket,id=shares,fd=${SHARES_FD}`],
    ...device({
      driver: 'vhost-user-fs-device',
      chardev: 'shares',
      tag: SHARES_TAG,
      bus: slot('shares'),
    }),
  ]
}

function disks(paths: Disks, slot: Slot): string[] {
  const file = (filename: string, readOnly: boolean) => ({
    driver: 'file',
    filename,
    'read-only': readOnly,
  })
  return [
    ...disk(slot('image'), 'image', {
      driver: 'vmdk',
      'read-only': true,
      file: file(paths.image, true),
    }),
    ...disk(
      slot('vm'),
      'vm',
      {
        driver: 'raw',
        discard: 'unmap',
        'detect-zeroes': 'unmap',
        file: { ...file(paths.vm, false), discard: 'unmap' },
      },
      // A full disk of the host pauses the machine instead of failing the guest's writes.
      { werror: 'stop', rerror: 'report' },
    ),
    ...disk(slot('config'), 'config', {
      driver: 'raw',
      'read-only': true,
      file: file(paths.config, true),
    }),
  ]
}

function disk(
  bus: string,
  name: 'image' | 'vm' | 'config',
  node: object,
  options: object = {},
): string[] {
  return [
    ...['-blockdev', JSON.stringify({ 'node-name': name, ...node })],
    ...device({ driver: 'virtio-blk-device', drive: name, bus, ...options }),
  ]
}

const device = (properties: object): string[] => ['-device', JSON.stringify(properties)]

type Slot = (name: keyof typeof slots) => string
const slotsOf =
  (type: QemuConfig['vmm']['machine']): Slot =>
  (name) =>
    `virtio-mmio-bus.${type === 'virt' ? LAST_VIRT_SLOT - slots[name] : slots[name]}`

const socket = (channel: (typeof qemuChannels)[number]): string[] => [
  '-chardev',
  `socket,id=${channel},fd=${fd(channel)}`,
]
