// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { LatestThrottle } from '../../../../src/main/ipc/latest-throttle'

describe('LatestThrottle', () => {
  let emitted: string[]
  let throttle: LatestThrottle<number>
  beforeEach(() => {
    vi.useFakeTimers()
    emitted = []
    throttle = new LatestThrottle(100, (key, value) => emitted.push(`${key}${value}`))
  })
  afterEach(() => vi.useRealTimers())

  it('passes the first value at once', () => {
    throttle.push('a', 1)
    expect(emitted).toEqual(['a1'])
  })

  it('passes the latest of many once per interval, and always the last', () => {
    for (let at = 0; at < 25; at += 1) {
      throttle.push('a', at)
      vi.advanceTimersByTime(10)
    }
    vi.advanceTimersByTime(1000)
    expect(emitted).toEqual(['a0', 'a9', 'a19', 'a24'])
  })

  it('keeps keys apart', () => {
    throttle.push('a', 1)
    throttle.push('b', 1)
    expect(emitted).toEqual(['a1', 'b1'])
  })

  it('passes at once again after a rest', () => {
    throttle.push('a', 1)
    vi.advanceTimersByTime(101)
    throttle.push('a', 2)
    expect(emitted).toEqual(['a1', 'a2'])
  })

  it('emits what waits when flushed, and nothing after', () => {
    throttle.push('a', 1)
    throttle.push('a', 2)
    throttle.flush('a')
    vi.advanceTimersByTime(1000)
    expect(emitted).toEqual(['a1', 'a2'])
  })

  it('forgets what waits when dropped', () => {
    throttle.push('a', 1)
    throttle.push('a', 2)
    throttle.drop('a')
    vi.advanceTimersByTime(1000)
    expect(emitted).toEqual(['a1'])
    expect(vi.getTimerCount()).toBe(0)
  })
})
