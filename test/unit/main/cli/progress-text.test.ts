// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import type { LayerProgress } from '../../../../src/contract/images'
import { progressLine, progressLog } from '../../../../src/main/cli/progress-text'

const layer = (name: string, state: LayerProgress['state'], bytes = 0): LayerProgress => ({
  diffIdOrDigest: name,
  state,
  bytes,
  total: 4096,
})

describe('progress on a terminal', () => {
  it('says how far it is, in one line', () => {
    const layers = [layer('a', 'done', 4096), layer('b', 'downloading', 10), layer('c', 'reused')]
    const progress = { stage: 'image', message: 'Pulling debian', fraction: 0.617, layers }
    expect(progressLine(progress, 70)).toBe('Pulling debian · 2 of 3 layers 61 %')
  })

  it('has a bar where there is room, and the speed of all layers', () => {
    const coming = { ...layer('b', 'downloading', 10), bytesPerSecond: 1024 * 1024 }
    const layers = [layer('a', 'done', 4096), coming, coming]
    const progress = { stage: 'image', message: 'Pulling debian', fraction: 0.5, layers }
    expect(progressLine(progress, 80)).toBe(
      'Pulling debian · 1 of 3 layers · 2.0 MiB/s ━━━━━━━━━━╌╌╌╌╌╌╌╌╌╌ 50 %',
    )
  })

  it('has the figures of a single file', () => {
    const [bytes, total] = [12 * 1024 * 1024, 300 * 1024 * 1024]
    const message = 'Downloading disk.xz'
    const coming = { stage: 'image', message, transfer: { bytes, total, bytesPerSecond: 2048 } }
    expect(progressLine({ ...coming, fraction: 0.04 }, 70)).toBe(
      'Downloading disk.xz · 12 MiB of 300 MiB · 2.0 KiB/s 4 %',
    )
    expect(progressLine({ stage: 'image', message, transfer: { bytes, total: 0 } }, 70)).toBe(
      'Downloading disk.xz · 12 MiB',
    )
  })

  it('cuts the message, not the figures, where there is no room', () => {
    const progress = { stage: 'image', message: 'Pulling '.repeat(20), fraction: 0.5 }
    const line = progressLine(progress, 40)
    expect(line).toHaveLength(39)
    expect(line).toMatch(/… 50 %$/)
  })
})

describe('progress in a log', () => {
  it('has a line per step and per layer that is ready, each once', () => {
    const log = progressLog()
    const report = (message: string, layers?: LayerProgress[]) =>
      log({ stage: 'image', message, ...(layers === undefined ? {} : { layers }) })
    expect(report('Pulling debian')).toEqual(['Pulling debian'])
    expect(report('Pulling debian', [layer('a', 'downloading', 9), layer('b', 'reused')])).toEqual([
      '  layer 2 of 2: here already',
    ])
    expect(report('Pulling debian', [layer('a', 'done', 4096), layer('b', 'reused')])).toEqual([
      '  layer 1 of 2: 4.0 KiB',
    ])
    expect(report('Pulling debian', [layer('a', 'done', 4096), layer('b', 'reused')])).toEqual([])
    expect(report('Booting Linux')).toEqual(['Booting Linux'])
  })
})
