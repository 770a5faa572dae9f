// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import type { RunnerVmm } from '../../../../src/contract/runner-config'
import { guestDisks, runnerDisks } from '../../../../src/main/run/disks'

const disks = [
  { source: '/a', readOnly: true, guestPath: '/a' },
  { source: '/b', readOnly: false },
  { source: '/c', readOnly: true },
  { source: '/d', readOnly: false, guestPath: '/d' },
]
const files = ['/a', '/b', '/c', '/d'].map((path, n) => ({ path, sizeBytes: 512 * (n + 1) }))
const qemu: RunnerVmm = { kind: 'qemu', executable: '/qemu', kernel: '/kernel' }
const libkrun: RunnerVmm = { kind: 'libkrun', executable: '/node', script: '/krun-vmm' }
const devices = (vmm: RunnerVmm) => runnerDisks(vmm, disks, files).map(({ device }) => device)

describe('extra disks', () => {
  it('have a device each where there is room', () => {
    expect(devices(libkrun)).toEqual(['vdd', 'vde', 'vdf', 'vdg'])
    expect(devices({ ...qemu, machine: 'virt' })).toEqual(['vdd', 'vde', 'vdf', 'vdg'])
  })

  it('share two under QEMU’s microvm, by whether they can be written', () => {
    expect(devices(qemu)).toEqual(['vdc', 'vdd', 'vdc', 'vdd'])
  })

  it('are described alike to runner and guest', () => {
    const placed = runnerDisks(qemu, disks, files)
    expect(placed[3]).toEqual({ path: '/d', readOnly: false, sizeBytes: 2048, device: 'vdd' })
    expect(guestDisks(disks, placed)).toEqual([
      { device: 'vdc', sectors: 1, readOnly: true, target: '/a' },
      { device: 'vdd', sectors: 2, readOnly: false },
      { device: 'vdc', sectors: 3, readOnly: true },
      { device: 'vdd', sectors: 4, readOnly: false, target: '/d' },
    ])
  })
})
