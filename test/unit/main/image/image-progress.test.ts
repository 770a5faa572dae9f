// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Progress } from '../../../../src/contract/images'
import type { ContentLayer } from '../../../../src/main/image/image-content'
import { ImageProgress } from '../../../../src/main/image/image-progress'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const source = { kind: 'registry', size: 10_000 } as ContentLayer['source']
const layer: ContentLayer = { diffId: 'a', blobSize: 10_000, source }

function start() {
  const told: Progress[] = []
  const progress = new ImageProgress('Pulling', [layer, layer], (one) => told.push(one), Date.now)
  const last = () => told.at(-1)!.layers!
  return { told, progress, last }
}

describe('the progress of a pull', () => {
  it('is told ten times a second at most, and the latest is always told', () => {
    const { told, progress, last } = start()
    for (let bytes = 1; bytes <= 50; bytes++) progress.read(0, bytes, source)
    expect(told).toHaveLength(0)
    vi.advanceTimersByTime(100)
    expect(told).toHaveLength(1)
    expect(last()[0]).toMatchObject({ state: 'downloading', bytes: 50 })
    progress.close()
    vi.advanceTimersByTime(1000)
    expect(told).toHaveLength(1)
  })

  it('says how fast each layer comes, and that it stands still', () => {
    const { told, progress, last } = start()
    for (let ms = 0; ms < 4000; ms += 100) {
      progress.read(0, ms, source)
      vi.advanceTimersByTime(100)
    }
    expect(last()[0]!.bytesPerSecond).toBeGreaterThan(900)
    expect(last()[0]!.bytesPerSecond).toBeLessThan(1100)
    expect(last()[1]!.bytesPerSecond).toBeUndefined()
    vi.advanceTimersByTime(4000)
    expect(last()[0]!.bytesPerSecond).toBe(0)
    const count = told.length
    vi.advanceTimersByTime(1000)
    expect(told).toHaveLength(count)
  })

  it('says when a layer is unpacked, done, or was here', () => {
    const { progress, last, told } = start()
    progress.read(0, 10_000, source)
    progress.end(1, 'reused')
    expect(last()[0]).toEqual({
      diffIdOrDigest: 'a',
      state: 'unpacking',
      bytes: 10_000,
      total: 10_000,
    })
    expect(last()[1]).toMatchObject({ state: 'reused', bytes: 10_000 })
    progress.end(0, 'done')
    expect(told.at(-1)!.fraction).toBe(1)
  })
})
