// SPDX-License-Identifier: Apache-2.0
// The command line of QEMU for one machine: the `microvm` type (on arm64 `virt`), which boots the kernel directly
// and has virtio-mmio slots instead of PCI: eight, and as many as we use of the 32 of `virt`. Pure. Everything QEMU talks through is an inherited
// descriptor, so that no socket of it lies on disk. Not here: what is behind each disk (qemu-disks.ts).
import { MicrovmError } from '../../src/contract/errors'
import { CONTROL_PORT_NAME, SHARES_TAG } from '../../src/contract/guest-protocol'
import type { RunnerConfig, RunnerVmm } from '../../src/contract/runner-config'
import { topology } from '../net/topology'
import { countExtraDevices, descriptorSets, diskArguments, type DiskConfig } from './qemu-disks'

/** Descriptors QEMU inherits, in the order of `Child.channels`. */
export const qemuChannels = ['console', 'control', 'network', 'qmp'] as const
const FIRST_FD = 3
const fd = (channel: (typeof qemuChannels)[number]): number =>
  FIRST_FD + qemuChannels.indexOf(channel)
/** The connection to virtiofsd, where there are shares: `Child.sockets`. */
const SHARES_FD = FIRST_FD + qemuChannels.length

/** virtio-mmio slot of each device on `microvm` that is no disk. One is for all shared folders together. */
const slots = { shares: 7, rng: 6, network: 5, serial: 4 } as const
/**
 * Those of the disks: Linux probes the highest slot first, so they go downwards to become vda, vdb, vdc. The interrupt
 * of slot 3 is the clock's, which does without where there is a vdd: the guest can still read the time from it, but
 * has no /dev/rtc0.
 */
const diskSlots = [2, 1, 0]
const diskSlotsWithExtra = [3, 2, 1, 0]
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

export interface QemuConfig
  extends DiskConfig, Pick<RunnerConfig, 'backend' | 'cpus' | 'memoryMib' | 'shares'> {
  readonly vmm: Extract<RunnerVmm, { kind: 'qemu' }>
}

/** Arguments, without the program's name. */
export function qemuArguments(config: QemuConfig, platform: NodeJS.Platform): string[] {
  const slot = slotOf(config)
  const firstDiskFd = SHARES_FD + (config.shares.length > 0 ? 1 : 0)
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
    ...descriptorSets(config.disks, firstDiskFd),
    ...diskArguments(config, diskBus(config)),
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

const device = (properties: object): string[] => ['-device', JSON.stringify(properties)]

const busOf = (slot: number): string => `virtio-mmio-bus.${slot}`

type Slot = (name: keyof typeof slots) => string
const slotOf =
  (config: QemuConfig): Slot =>
  (name) =>
    busOf(config.vmm.machine === 'virt' ? lastVirtSlot(config) - slots[name] : slots[name])

/** On `virt` everything makes room for the disks, which come last. */
const lastVirtSlot = (config: QemuConfig): number => LAST_VIRT_SLOT - countExtraDevices(config)

/** Bus of each disk: its place is that of its name among vda, vdb, … */
function diskBus(config: QemuConfig): (place: number) => string {
  const extra = countExtraDevices(config)
  if (config.vmm.machine === 'virt')
    return (place) => busOf(lastVirtSlot(config) + 1 - diskSlots.length + place)
  const taken = extra === 0 ? diskSlots : diskSlotsWithExtra
  return (place) => {
    const slot = taken[place]
    if (slot !== undefined) return busOf(slot)
    throw new MicrovmError('INTERNAL', `QEMU’s microvm has no slot for ${extra} more disks`)
  }
}

const socket = (channel: (typeof qemuChannels)[number]): string[] => [
  '-chardev',
  `socket,id=${channel},fd=${fd(channel)}`,
]
