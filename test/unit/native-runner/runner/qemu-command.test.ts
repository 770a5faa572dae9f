// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { qemuArguments, type QemuConfig } from '../../../../native-runner/runner/qemu-command'

const config: QemuConfig = {
  backend: { name: 'qemu', accelerator: 'tcg', reason: '' },
  cpus: 2,
  memoryMib: 512,
  shares: [],
  disks: [],
  vmDir: '/data/vm',
  root: {
    kind: 'disk',
    image: '/data/a,b "c"/disk.vmdk',
    vm: '/data/vm/disk.ext4',
    config: '/data/vm/c.erofs',
  },
  vmm: { kind: 'qemu', executable: '/usr/bin/qemu', kernel: '/parts/vmlinux.elf' },
}

/** All values of an option. */
function values(args: readonly string[], option: string): string[] {
  return args.flatMap((arg, index) => (arg === option ? [args[index + 1] ?? ''] : []))
}
const json = (args: readonly string[], option: string): Record<string, unknown>[] =>
  values(args, option).map((value) => JSON.parse(value) as Record<string, unknown>)

describe('the command line of QEMU', () => {
  const args = qemuArguments(config, 'linux')

  it('describes the three disks, of which only the VM’s own can be written', () => {
    const [image, vm, drive] = json(args, '-blockdev')
    expect(image).toMatchObject({
      'node-name': 'image',
      driver: 'vmdk',
      'read-only': true,
      file: { filename: '/data/a,b "c"/disk.vmdk', 'read-only': true },
    })
    expect(vm).toMatchObject({
      'node-name': 'vm',
      driver: 'raw',
      discard: 'unmap',
      file: { filename: '/data/vm/disk.ext4', discard: 'unmap' },
    })
    expect(vm).not.toHaveProperty('read-only')
    expect(drive).toMatchObject({ 'node-name': 'config', driver: 'raw', 'read-only': true })
  })

  it('pauses the machine when the host’s disk is full', () => {
    const disks = json(args, '-device').filter(({ driver }) => driver === 'virtio-blk-device')
    expect(disks.map(({ drive, werror }) => [drive, werror])).toEqual([
      ['image', undefined],
      ['vm', 'stop'],
      ['config', undefined],
    ])
  })

  it('gives each device a slot of its own, disks downwards, and leaves the clock its interrupt', () => {
    const buses = json(args, '-device').flatMap(({ bus }) => (bus === undefined ? [] : [bus]))
    expect(new Set(buses).size).toBe(6)
    expect(buses).not.toContain('virtio-mmio-bus.3')
    const slotOf = (drive: string): number =>
      Number(
        String(json(args, '-device').find((device) => device['drive'] === drive)?.['bus']).split(
          '.',
        )[1],
      )
    expect(slotOf('image')).toBeGreaterThan(slotOf('vm'))
    expect(slotOf('vm')).toBeGreaterThan(slotOf('config'))
  })

  it('is the virt machine on arm64, with the disks in the same order from the other end', () => {
    const arm64 = qemuArguments({ ...config, vmm: { ...config.vmm, machine: 'virt' } }, 'linux')
    expect(values(arm64, '-M')[0]).toMatch(/^virt,/)
    expect(values(args, '-M')[0]).toMatch(/^microvm,/)
    const busOf = (drive: string) =>
      json(arm64, '-device').find((device) => device['drive'] === drive)?.['bus']
    expect(['image', 'vm', 'config'].map(busOf)).toEqual([
      'virtio-mmio-bus.29',
      'virtio-mmio-bus.30',
      'virtio-mmio-bus.31',
    ])
  })

  it('talks through inherited descriptors only', () => {
    expect(values(args, '-chardev')).toEqual([
      'socket,id=qmp,fd=6',
      'socket,id=console,fd=3',
      'socket,id=control,fd=4',
    ])
    expect(values(args, '-netdev')).toEqual(['stream,id=network,addr.type=fd,addr.str=5'])
    expect(json(args, '-device')).toContainEqual({
      driver: 'virtserialport',
      chardev: 'control',
      name: 'org.microvm.control',
    })
  })

  it('shuts QEMU in, where its seccomp filter exists', () => {
    expect(values(args, '-sandbox')[0]).toContain('spawn=deny')
    expect(qemuArguments(config, 'darwin')).not.toContain('-sandbox')
    for (const option of ['-nodefaults', '-no-user-config', '-no-reboot'])
      expect(args).toContain(option)
    expect(args).not.toContain('-monitor')
  })

  it('does without that filter where QEMU was built without it', () => {
    const bare = { ...config, vmm: { ...config.vmm, sandbox: false } }
    expect(qemuArguments(bare, 'linux')).not.toContain('-sandbox')
  })

  it('has one device for all shared folders, in the last slot, and memory that can be shared', () => {
    expect(args.join(' ')).not.toMatch(/memfd|vhost-user|memory-backend/)
    const share = { tag: 'share-0', hostPath: '/srv', readOnly: false }
    const sharing = qemuArguments({ ...config, shares: [share, { ...share, tag: 'b' }] }, 'linux')
    expect(values(sharing, '-object')).toEqual([
      'memory-backend-memfd,id=memory,size=512M,share=on',
    ])
    expect(values(sharing, '-machine')).toEqual(['memory-backend=memory'])
    expect(values(sharing, '-chardev').at(-1)).toBe('socket,id=shares,fd=7')
    const devices = json(sharing, '-device')
    expect(devices.at(-1)).toEqual({
      driver: 'vhost-user-fs-device',
      chardev: 'shares',
      tag: 'shares',
      bus: 'virtio-mmio-bus.7',
    })
    expect(devices.filter(({ bus }) => bus === 'virtio-mmio-bus.7')).toHaveLength(1)
    expect(sharing.join(' ')).not.toContain('/srv')
  })

  it('passes processors, memory and kernel on', () => {
    expect(values(args, '-smp')).toEqual(['2'])
    expect(values(args, '-m')).toEqual(['512M'])
    expect(values(args, '-kernel')).toEqual(['/parts/vmlinux.elf'])
  })

  it('tells the kernel where its root is, and spares it guards that emulation has no use for', () => {
    const always =
      'console=hvc0 root=/dev/vda rootfstype=erofs ro init=/.microvm/init quiet panic=-1 reboot=t'
    expect(values(args, '-append')).toEqual([`${always} mitigations=off`])
    const real = { ...config, backend: { ...config.backend, accelerator: 'kvm' as const } }
    expect(values(qemuArguments(real, 'linux'), '-append')).toEqual([always])
  })

  it.each([
    ['tcg', 'tcg,thread=multi', 'max'],
    ['kvm', 'kvm', 'host'],
    ['hvf', 'hvf', 'host'],
  ] as const)('runs under %s', (accelerator, accel, cpu) => {
    const chosen = qemuArguments(
      { ...config, backend: { ...config.backend, accelerator } },
      'linux',
    )
    expect(values(chosen, '-accel')).toEqual([accel])
    expect(values(chosen, '-cpu')).toEqual([cpu])
  })
})
