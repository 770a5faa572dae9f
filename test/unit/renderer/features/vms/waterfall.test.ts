// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { layOutWaterfall } from '../../../../../src/renderer/features/vms/waterfall'

describe('the launch waterfall', () => {
  it('lets each stage begin where the one before ended', () => {
    const { bars, total } = layOutWaterfall([
      { name: 'image', at: 100 },
      { name: 'disk', at: 250 },
      { name: 'kernel', at: 1000 },
    ])
    expect(total).toBe(1000)
    expect(bars.map(({ name, ms, left, width }) => ({ name, ms, left, width }))).toEqual([
      { name: 'image', ms: 100, left: 0, width: 0.1 },
      { name: 'disk', ms: 150, left: 0.1, width: 0.15 },
      { name: 'kernel', ms: 750, left: 0.25, width: 0.75 },
    ])
  })

  it('adds the stage under way up to now', () => {
    const { bars, total } = layOutWaterfall([{ name: 'image', at: 100 }], { name: 'disk', at: 400 })
    expect(total).toBe(400)
    expect(bars.map((bar) => bar.open)).toEqual([false, true])
    expect(bars[1]).toMatchObject({ ms: 300, left: 0.25, width: 0.75 })
  })

  it('counts a time that goes backwards as no time', () => {
    const { bars, total } = layOutWaterfall([
      { name: 'a', at: 500 },
      { name: 'b', at: 400 },
    ])
    expect(total).toBe(500)
    expect(bars[1]).toMatchObject({ ms: 0, left: 1, width: 0 })
  })

  it('has no bars and no division by zero before anything has ended', () => {
    expect(layOutWaterfall([])).toEqual({ bars: [], total: 0 })
    expect(layOutWaterfall([{ name: 'a', at: 0 }]).bars[0]).toMatchObject({ left: 0, width: 0 })
  })
})
