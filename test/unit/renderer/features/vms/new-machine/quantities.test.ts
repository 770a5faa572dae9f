// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { formatMib } from '../../../../../../src/renderer/ui/format'
import {
  nearestStop,
  parseMib,
  parseWhole,
  sizeStops,
} from '../../../../../../src/renderer/features/vms/new-machine/quantities'

describe('sizes as typed', () => {
  it.each([
    ['512', 512],
    ['1,024 MB', 1024],
    ['2 GB', 2048],
    ['1.5g', 1536],
    ['1TiB', 1_048_576],
    ['', undefined],
    ['lots', undefined],
    ['-1', undefined],
    ['2 PB', undefined],
  ])('%s', (text, mib) => {
    expect(parseMib(text)).toBe(mib)
  })

  it('reads back what it writes', () => {
    for (const mib of [64, 512, 1536, 4096, 10_240]) expect(parseMib(formatMib(mib))).toBe(mib)
  })

  it('takes whole numbers only where a count is meant', () => {
    expect(parseWhole(' 4 ')).toBe(4)
    expect(parseWhole('1.5')).toBeUndefined()
    expect(parseWhole('')).toBeUndefined()
  })
})

describe('the slider', () => {
  it('has stops that grow with the size and end at the limit', () => {
    expect(sizeStops(128, 5000)).toEqual([128, 256, 512, 768, 1024, 1536, 2048, 3072, 4096, 5000])
  })

  it('stands at the stop nearest to a typed number', () => {
    const stops = [128, 256, 512, 1024]
    expect(nearestStop(stops, 300)).toBe(1)
    expect(nearestStop(stops, 90_000)).toBe(3)
    expect(nearestStop(stops, Number.NaN)).toBe(0)
  })
})
