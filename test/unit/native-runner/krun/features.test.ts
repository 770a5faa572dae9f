// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import {
  describeLibrary,
  kernelFormat,
  maxCpus,
  readFeatures,
} from '../../../../native-runner/krun/features'
import type { Libkrun, LibkrunCalls } from '../../../../native-runner/krun/libkrun'

const everything: readonly (keyof LibkrunCalls)[] = [
  'addNetUnixstream',
  'addDisk3',
  'setKernel',
  'disableImplicitConsole',
  'addVirtioConsoleMultiport',
  'addConsolePortTty',
  'addConsolePortInout',
  'setRootDiskRemount',
  'addVirtiofs3',
  'hasFeature',
  'getMaxVcpus',
]

function library(
  calls: readonly (keyof LibkrunCalls)[],
  answers: Partial<Pick<Libkrun, 'hasFeature' | 'getMaxVcpus' | 'path'>> = {},
): Libkrun {
  const has = (call: keyof LibkrunCalls): boolean => calls.includes(call)
  return { path: '/nowhere/libkrun.so.1', has, hasFeature: () => 1, ...answers } as Libkrun
}
const without = (...missing: string[]) => everything.filter((call) => !missing.includes(call))

describe('what a libkrun can do', () => {
  it('is everything where all calls are there', () => {
    expect(readFeatures(library(everything), 'x64')).toEqual({
      network: true,
      disks: true,
      ownKernel: true,
      remountRoot: true,
      readOnlyShares: true,
    })
  })

  it.each([
    ['ownKernel', 'setKernel'],
    ['ownKernel', 'addConsolePortTty'],
    ['disks', 'addDisk3'],
    ['remountRoot', 'setRootDiskRemount'],
    ['readOnlyShares', 'addVirtiofs3'],
    ['network', 'addNetUnixstream'],
  ] as const)('has no %s without %s', (feature, call) => {
    const features = readFeatures(library(without(call)), 'x64')
    expect(features).toEqual({ ...readFeatures(library(everything), 'x64'), [feature]: false })
  })

  it('is a network by the older call, too', () => {
    const calls = [...without('addNetUnixstream'), 'setPasstFd'] as const
    expect(readFeatures(library(calls), 'x64').network).toBe(true)
  })

  it('is a kernel of ours as it is made for the processor', () => {
    expect(kernelFormat('x64')).toBe(1)
    expect(kernelFormat('arm64')).toBe(0)
    expect(readFeatures(library(everything), 'arm64').ownKernel).toBe(true)
    expect(readFeatures(library(everything), 'riscv64').ownKernel).toBe(false)
  })

  it('is what it says it was built with, whatever its calls', () => {
    const hasFeature = (feature: number): number => (feature === 0 ? 1 : 0)
    expect(readFeatures(library(everything, { hasFeature }), 'x64')).toMatchObject({
      network: true,
      disks: false,
    })
  })
})

describe('the most CPUs', () => {
  it.each([
    [8, 8],
    [1024, 16],
  ])('are, of %i that the hypervisor takes, %i', (offered, most) => {
    expect(maxCpus(library(everything, { getMaxVcpus: () => offered }))).toBe(most)
  })

  it('are the kernel’s where libkrun cannot tell', () => {
    const fails = (): never => {
      throw new Error('no KVM')
    }
    expect(maxCpus(library(everything, { getMaxVcpus: fails }))).toBe(16)
    expect(maxCpus(library(without('getMaxVcpus')))).toBe(16)
  })
})

describe('a library', () => {
  it('has the version its file is named by, if any', () => {
    const probe = (path: string) => describeLibrary(library(without('getMaxVcpus'), { path }))
    expect(probe('/lib/libkrun.so.1.17.3')).toMatchObject({ loaded: true, version: '1.17.3' })
    expect(probe('/lib/libkrun.so.1')).not.toHaveProperty('version')
  })
})
