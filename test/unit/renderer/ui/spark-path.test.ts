// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { sparkPath } from '../../../../src/renderer/ui/spark-path'

const box = { width: 40, height: 12, max: 100, points: 5 }

describe('sparkPath', () => {
  it('draws nothing for no values and a dot for one', () => {
    expect(sparkPath([], box)).toBe('')
    expect(sparkPath([100], box)).toBe('M40 1h0.01')
  })

  it('puts the newest value at the right edge', () => {
    expect(sparkPath([0, 50, 100], box)).toBe('M20 11L30 6L40 1')
  })

  it('draws only the values that fit', () => {
    expect(sparkPath([1, 2, 3, 0, 0, 0, 0, 0], box)).toBe('M0 11L10 11L20 11L30 11L40 11')
  })

  it('keeps values beyond the range inside, and survives a range of nothing', () => {
    expect(sparkPath([-50, 900], box)).toBe('M30 11L40 1')
    expect(sparkPath([0, 0], { ...box, max: 0 })).toBe('M30 11L40 11')
  })
})
