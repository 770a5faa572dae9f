// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { krunProbeSchema, krunRootKind } from '../../../src/contract/krun-probe'

const features = {
  network: true,
  disks: true,
  ownKernel: false,
  remountRoot: false,
  readOnlyShares: false,
}

describe('what a libkrun boots from', () => {
  it.each([
    ['disk', { ownKernel: true }],
    ['disk', { remountRoot: true }],
    ['directory', {}],
    ['directory', { disks: false, ownKernel: true, remountRoot: true }],
  ])('is a %s with %j', (kind, some) => {
    expect(krunRootKind({ ...features, ...some })).toBe(kind)
  })
})

describe('the answer of a probe', () => {
  it('is what the library can do, or why it cannot be loaded', () => {
    const loaded = { loaded: true, library: 'libkrun.so.1', features, maxCpus: 16 }
    const missing = { loaded: false, error: { code: 'HYPERVISOR_FAILED', message: 'not found' } }
    expect(krunProbeSchema.parse(loaded)).toEqual(loaded)
    expect(krunProbeSchema.parse(missing)).toEqual(missing)
    expect(krunProbeSchema.safeParse({ ...loaded, maxCpus: 0 }).success).toBe(false)
  })
})
