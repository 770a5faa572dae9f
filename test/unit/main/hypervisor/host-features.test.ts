// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import {
  cpuVirtualisation,
  readHostFeatures,
  type HostQuestions,
} from '../../../../src/main/hypervisor/host-features'

const linux: HostQuestions = {
  platform: 'linux',
  arch: 'x64',
  cpuinfo: async () => 'flags\t\t: fpu vmx sse\n',
  kvm: async () => undefined,
  sysctl: () => Promise.reject(new Error('not asked on Linux')),
}
const obstacle = async (host: Partial<HostQuestions>) =>
  (await readHostFeatures({ ...linux, ...host })).obstacle

describe('what stands in the way of virtualisation', () => {
  it('is nothing on a host with the CPU flag and a device that opens', async () => {
    expect(await obstacle({})).toBeUndefined()
  })

  it('is a missing device: the module for this CPU is named', async () => {
    const kvm = async () => 'ENOENT'
    expect(await obstacle({ kvm })).toEqual({
      reason: '/dev/kvm is missing',
      hint: 'Load the module: sudo modprobe kvm_intel',
    })
    const amd = { kvm, cpuinfo: async () => 'flags : svm\n' }
    expect((await obstacle(amd))?.hint).toContain('kvm_amd')
  })

  it('is a device that may not be opened: the group is named', async () => {
    expect(await obstacle({ kvm: async () => 'EACCES' })).toMatchObject({
      reason: '/dev/kvm may not be opened (EACCES)',
      hint: expect.stringContaining('usermod -aG kvm'),
    })
  })

  it('is a CPU that cannot, whatever the device says', async () => {
    const cpuinfo = async () => 'flags : fpu\n'
    expect((await obstacle({ cpuinfo }))?.reason).toBe(
      'the CPU has neither vmx nor svm, so that /dev/kvm is of no use',
    )
    expect((await obstacle({ cpuinfo, kvm: async () => 'ENOENT' }))?.reason).toBe(
      'the CPU has neither vmx nor svm',
    )
  })

  it('is not looked for in the flags of an ARM CPU, which has none', async () => {
    expect(await obstacle({ arch: 'arm64', cpuinfo: async () => '' })).toBeUndefined()
  })

  it('is what macOS says', async () => {
    const mac = (answer: string) =>
      obstacle({
        platform: 'darwin',
        sysctl: async (name) => (name === 'kern.hv_support' ? answer : ''),
      })
    expect(await mac('1')).toBeUndefined()
    expect((await mac('0'))?.reason).toBe('kern.hv_support is not 1')
    expect((await mac(''))?.reason).toBe('kern.hv_support is not 1')
  })
})

describe('the flags of a CPU', () => {
  it.each([
    ['flags\t\t: fpu vme vmx sse\n', 'vmx'],
    ['processor\t: 0\nflags\t\t: fpu svm\n', 'svm'],
    ['flags\t\t: fpu vmxnet vsvm\nvmx flags\t: vnmi\n', undefined],
    ['', undefined],
  ])('in %j', (cpuinfo, expected) => {
    expect(cpuVirtualisation(cpuinfo)).toBe(expected)
  })
})
