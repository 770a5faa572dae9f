// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import type { BackendName } from '../../../../src/contract/vm-spec'
import type { Backend, BackendProbe } from '../../../../src/main/hypervisor/backend'
import { chooseBackend, probeBackends } from '../../../../src/main/hypervisor/choose-backend'
import { provenObstacle } from '../../../../src/main/hypervisor/default-backends'

const works = (
  name: BackendName,
  rootfs: 'disk' | 'directory' = 'disk',
  accelerator: 'kvm' | 'tcg' = 'kvm',
): BackendProbe => ({
  available: true,
  choice: { name, accelerator, reason: 'tried' },
  detail: '',
  rootfs,
  maxCpus: 16,
})
const fails = (reason: string): BackendProbe => ({
  available: false,
  reason,
  hint: `Mend ${reason}.`,
})
const backend = (name: BackendName, probe: BackendProbe): Backend => ({
  name,
  probe: async () => probe,
  prepare: () => Promise.reject(new Error('not here')),
  start: () => Promise.reject(new Error('not here')),
})
const reports = (libkrun: BackendProbe, qemu: BackendProbe) =>
  probeBackends([backend('libkrun', libkrun), backend('qemu', qemu)])
const nameOf = (chosen: ReturnType<typeof chooseBackend>) =>
  chosen.found ? chosen.backend.name : chosen.reason

describe('the backend of a machine', () => {
  it('is libkrun where it works, else QEMU', async () => {
    expect(nameOf(chooseBackend(await reports(works('libkrun'), works('qemu'))))).toBe('libkrun')
    expect(nameOf(chooseBackend(await reports(fails('no KVM'), works('qemu'))))).toBe('qemu')
  })

  it('is the one it asks for, or none', async () => {
    const both = await reports(works('libkrun'), works('qemu'))
    expect(nameOf(chooseBackend(both, { backend: 'qemu' }))).toBe('qemu')
    const one = await reports(fails('no KVM'), works('qemu'))
    expect(chooseBackend(one, { backend: 'libkrun' })).toEqual({
      found: false,
      reason: 'libkrun cannot run machines here: no KVM',
      hint: 'Mend no KVM. Or leave the backend to the app.',
    })
  })

  it('is none where nothing works: all reasons, and how to get the one that works anywhere', async () => {
    expect(chooseBackend(await reports(fails('no KVM'), fails('no QEMU')))).toEqual({
      found: false,
      reason: 'no backend can run machines here: libkrun: no KVM; QEMU: no QEMU',
      hint: 'Mend no QEMU.',
    })
  })

  it('can give the machine disks, if it has some', async () => {
    const both = await reports(works('libkrun', 'directory'), works('qemu'))
    expect(nameOf(chooseBackend(both, { disks: true }))).toBe('qemu')
    expect(nameOf(chooseBackend(both, { disks: false }))).toBe('libkrun')
    // Else it is for the check of disks to say what is missing.
    for (const wanted of [{ backend: 'libkrun' }, { root: 'directory' }] as const)
      expect(nameOf(chooseBackend(both, { ...wanted, disks: true }))).toBe('libkrun')
  })

  it('is one that finds the machine’s data', async () => {
    const both = await reports(works('libkrun', 'directory'), works('qemu'))
    expect(nameOf(chooseBackend(both, { root: 'disk' }))).toBe('qemu')
    expect(nameOf(chooseBackend(both, { root: 'directory' }))).toBe('libkrun')
    expect(nameOf(chooseBackend(both, { root: 'disk', backend: 'libkrun' }))).toBe(
      'libkrun boots from a directory here, and this machine keeps its data on a disk',
    )
    const disks = await reports(fails('no KVM'), works('qemu'))
    expect(nameOf(chooseBackend(disks, { root: 'directory' }))).toBe(
      'QEMU boots from a disk here, and this machine keeps its data in a directory',
    )
  })
})

describe('what keeps libkrun from being tried', () => {
  const features = (obstacle?: { reason: string; hint: string }) => async () =>
    ({ platform: 'linux', obstacle }) as const

  it('is what the host lacks', async () => {
    const lacking = { reason: 'no device', hint: 'make one' }
    const untried = { probe: () => Promise.reject(new Error('tried')) }
    expect(await provenObstacle(untried, features(lacking))).toEqual(lacking)
  })

  it('is a guest that did not run under QEMU though all seemed well', async () => {
    const qemu = (probe: BackendProbe) => provenObstacle({ probe: async () => probe }, features())
    expect(await qemu(works('qemu', 'disk', 'tcg'))).toMatchObject({ reason: 'tried' })
    expect(await qemu(works('qemu'))).toBeUndefined()
    expect(await qemu(fails('no QEMU'))).toBeUndefined()
  })
})
