// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import type { VmStats } from '../../../../../src/contract/vm-state'
import {
  appendReading,
  chartSpan,
  READINGS_KEPT,
  type Reading,
} from '../../../../../src/renderer/features/vms/readings'

function stats(at: number, more: Partial<VmStats> = {}): VmStats {
  return {
    at,
    cpuPercent: 1,
    memoryUsedMib: 2,
    memoryTotalMib: 3,
    rxBytes: 0,
    txBytes: 0,
    ...more,
  }
}

describe('readings', () => {
  it('turn counters into rates per second', () => {
    const first = appendReading([], stats(1000, { rxBytes: 500, txBytes: 10 }))
    const both = appendReading(first, stats(3000, { rxBytes: 4500, txBytes: 10 }))
    expect(first[0]).toMatchObject({ rxRate: 0, txRate: 0 })
    expect(both[1]).toMatchObject({ rxRate: 2000, txRate: 0, rxBytes: 4500 })
  })

  it('ignore a reading that is not newer', () => {
    const readings = appendReading([], stats(1000))
    expect(appendReading(readings, stats(1000))).toBe(readings)
    expect(appendReading(readings, stats(900))).toBe(readings)
  })

  it('begin anew when the counters went back: the machine was restarted', () => {
    const before = appendReading([], stats(1000, { rxBytes: 900 }))
    const after = appendReading(before, stats(2000, { rxBytes: 5 }))
    expect(after).toHaveLength(1)
    expect(after[0]).toMatchObject({ at: 2000, rxRate: 0 })
  })

  it('keep the last minutes only', () => {
    let readings: readonly Reading[] = []
    for (let at = 1; at <= READINGS_KEPT + 20; at += 1)
      readings = appendReading(readings, stats(at))
    expect(readings).toHaveLength(READINGS_KEPT)
    expect(readings[0]?.at).toBe(21)
  })

  it('draw nonsense of the guest as nothing', () => {
    const [reading] = appendReading([], stats(1, { cpuPercent: Number.NaN, memoryUsedMib: -4 }))
    expect(reading).toMatchObject({ cpuPercent: 0, memoryUsedMib: 0 })
  })
})

it('widens the charts in steps as the machine grows older', () => {
  expect([0, 60, 61, 120, 121, 300].map((age) => chartSpan(1000, 1000 + age))).toEqual([
    60, 60, 120, 120, 300, 300,
  ])
})
