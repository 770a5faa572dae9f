// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { qemuArguments, type QemuConfig } from '../../../../native-runner/runner/qemu-command'
import { diskDescriptors } from '../../../../native-runner/runner/qemu-disks'
import type { RunnerDisk } from '../../../../src/contract/runner-config'

type Given = [device: string, access: 'ro' | 'rw']
const config = (disks: readonly Given[], machine: 'microvm' | 'virt' = 'microvm'): QemuConfig => ({
  backend: { name: 'qemu', accelerator: 'tcg', reason: '' },
  cpus: 1,
  memoryMib: 512,
  shares: [],
  vmDir: '/data/vm',
  root: {
    kind: 'disk',
    image: '/data/i/disk.vmdk',
    vm: '/data/vm/disk.ext4',
    config: '/data/vm/config.erofs',
  },
  disks: disks.map(([device, access], n): RunnerDisk => ({
    path: `/srv/"${n}".img`,
    readOnly: access === 'ro',
    sizeBytes: 512 * (n + 1),
    device,
  })),
  vmm: { kind: 'qemu', executable: '/usr/bin/qemu', kernel: '/parts/vmlinux.elf', machine },
})

function values(args: readonly string[], option: string): string[] {
  return args.flatMap((arg, index) => (arg === option ? [args[index + 1] ?? ''] : []))
}
const json = (args: readonly string[], option: string): Record<string, unknown>[] =>
  values(args, option).map((value) => JSON.parse(value) as Record<string, unknown>)
const node = (args: readonly string[], name: string) =>
  json(args, '-blockdev').find((one) => one['node-name'] === name)
/** Drive and slot of each block device, as the kernel meets them. */
function slots(args: readonly string[]): [unknown, number][] {
  return json(args, '-device')
    .filter(({ driver }) => driver === 'virtio-blk-device')
    .map(({ drive, bus }) => [drive, Number(String(bus).split('.')[1])])
}
const extents = (given: QemuConfig) =>
  [...diskDescriptors(given, 8192)].map(([name, text]) => [name, text.match(/^RW .*$/gm)])

describe('extra disks under QEMU’s microvm', () => {
  it('lie behind the config drive if they are only read, and take no slot', () => {
    const given = config([
      ['vdc', 'ro'],
      ['vdc', 'ro'],
    ])
    const args = qemuArguments(given, 'linux')
    expect(slots(args)).toEqual([
      ['image', 2],
      ['vm', 1],
      ['config', 0],
    ])
    expect(node(args, 'config')).toEqual({
      'node-name': 'config',
      driver: 'vmdk',
      'read-only': true,
      file: { driver: 'file', filename: '/data/vm/vdc.vmdk', 'read-only': true },
    })
    expect(extents(given)).toEqual([
      [
        'vdc.vmdk',
        ['RW 16 FLAT "config.erofs" 0', 'RW 1 FLAT "/dev/fdset/0" 0', 'RW 2 FLAT "/dev/fdset/1" 0'],
      ],
    ])
  })

  it('come as inherited descriptors, so no path of theirs is on the command line', () => {
    const given = config([
      ['vdc', 'ro'],
      ['vdd', 'rw'],
    ])
    expect(values(qemuArguments(given, 'linux'), '-add-fd')).toEqual(['fd=7,set=0', 'fd=8,set=1'])
    const share = { tag: 'a', hostPath: '/srv', readOnly: true }
    const sharing = qemuArguments({ ...given, shares: [share] }, 'linux')
    expect(values(sharing, '-add-fd')).toEqual(['fd=8,set=0', 'fd=9,set=1'])
    expect(sharing.join(' ')).not.toContain('.img')
  })

  it('have one more device if they are written, the last of all disks', () => {
    const given = config([['vdd', 'rw']])
    const args = qemuArguments(given, 'linux')
    expect(slots(args)).toEqual([
      ['image', 3],
      ['vm', 2],
      ['config', 1],
      ['vdd', 0],
    ])
    expect(node(args, 'vdd')).toMatchObject({
      driver: 'raw',
      discard: 'unmap',
      file: { filename: '/dev/fdset/0', 'read-only': false },
    })
    expect(node(args, 'config')).toMatchObject({ driver: 'raw', 'read-only': true })
    expect(json(args, '-device').at(-1)).toMatchObject({ drive: 'vdd', werror: 'stop' })
    expect(extents(given)).toEqual([])
  })

  it('share that device if they are several', () => {
    const given = config([
      ['vdd', 'rw'],
      ['vdc', 'ro'],
      ['vdd', 'rw'],
    ])
    const args = qemuArguments(given, 'linux')
    expect(node(args, 'vdd')).toEqual({
      'node-name': 'vdd',
      driver: 'vmdk',
      file: { driver: 'file', filename: '/data/vm/vdd.vmdk', 'read-only': false },
    })
    expect(extents(given)).toEqual([
      ['vdc.vmdk', ['RW 16 FLAT "config.erofs" 0', 'RW 2 FLAT "/dev/fdset/1" 0']],
      ['vdd.vmdk', ['RW 1 FLAT "/dev/fdset/0" 0', 'RW 3 FLAT "/dev/fdset/2" 0']],
    ])
  })

  it('cannot have two more devices', () => {
    const given = config([
      ['vdd', 'rw'],
      ['vde', 'rw'],
    ])
    expect(() => qemuArguments(given, 'linux')).toThrow('no slot')
  })
})

describe('extra disks under QEMU’s virt', () => {
  it('have a slot each, in their order, the last of all', () => {
    const names = ['vdd', 'vde', 'vdf', 'vdg', 'vdh', 'vdi', 'vdj', 'vdk']
    const given = config(
      names.map((name, n) => [name, n % 2 === 0 ? 'ro' : 'rw']),
      'virt',
    )
    const args = qemuArguments({ ...given, shares: [{ tag: 'a', hostPath: '/', readOnly: true }] }, 'linux') // prettier-ignore
    const disks = slots(args)
    expect(disks.map(([drive]) => drive)).toEqual(['image', 'vm', 'config', ...names])
    expect(disks.map(([, slot]) => slot)).toEqual(Array.from({ length: 11 }, (_, n) => 21 + n))
    const buses = json(args, '-device').flatMap(({ bus }) => (bus === undefined ? [] : [bus]))
    expect(new Set(buses).size).toBe(buses.length)
    expect(node(args, 'vdd')).toMatchObject({ 'read-only': true, file: { 'read-only': true } })
    expect(node(args, 'vde')).not.toHaveProperty('read-only')
    expect(extents(given)).toEqual([])
  })
})
