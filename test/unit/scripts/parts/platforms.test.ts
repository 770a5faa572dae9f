// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { partsOf } from '../../../../scripts/parts/parts.mjs'
import { compilerFor, platformOf } from '../../../../scripts/parts/platforms.mjs'

const names = ['linux-x64', 'linux-arm64', 'darwin-arm64'] as const

describe('a platform', () => {
  it('is refused if there are no native parts for it', () => {
    expect(() => platformOf('win32-x64')).toThrow(/win32-x64 is no platform; there are linux-x64/)
  })

  it('is this computer’s unless named', () => {
    expect(platformOf().name).toBe(`${process.platform}-${process.arch}`)
  })

  it('has its guest compiled by a cross compiler where it cannot run', () => {
    const foreign = process.arch === 'arm64' ? 'linux-x64' : 'linux-arm64'
    expect(compilerFor(platformOf(foreign))).toMatch(/^(aarch64|x86_64)-linux-gnu-gcc$/)
  })
})

describe('the parts of every platform', () => {
  it.each(names)('of %s: no output twice, each part in a group, licences in both', (name) => {
    const parts = partsOf(platformOf(name))
    const outputs = parts.flatMap((part) => part.outputs)
    expect(new Set(outputs).size).toBe(outputs.length)
    expect(outputs).toEqual(expect.arrayContaining(['licences/runtime', 'licences/firmware']))
    expect(outputs).toEqual(expect.arrayContaining(['bin/gvproxy', 'guest/bundle.tar', 'starter']))
  })

  it.each(names)('of %s: nothing under the GPL is in the runtime', (name) => {
    const runtime = partsOf(platformOf(name)).filter((part) => part.group === 'runtime')
    const packages = runtime.flatMap((part) => part.packages)
    expect(packages.filter((item) => item !== 'gvproxy' && item !== 'base-files')).toEqual([])
  })

  it('give the same guest to both systems on arm64', () => {
    const firmware = (name: string) =>
      partsOf(platformOf(name))
        .filter((part) => part.group === 'firmware' && part.name !== 'libkrunfw')
        .map((part) => [part.name, part.outputs])
    expect(firmware('darwin-arm64')).toEqual(firmware('linux-arm64'))
  })
})
