// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import type { LayerProgress, Progress } from '../../../../../src/contract/images'
import {
  layerFraction,
  layerText,
  progressFraction,
  progressText,
  spokenProgress,
} from '../../../../../src/renderer/features/images/pull-progress'

const layer = (state: LayerProgress['state'], bytes: number, total: number): LayerProgress => ({
  diffIdOrDigest: 'sha256:00',
  state,
  bytes,
  total,
})
const pull = (...layers: LayerProgress[]): Progress => ({ stage: 'image', message: '', layers })

it('is spoken of at its start and at every quarter only', () => {
  const at = (fraction: number) => spokenProgress('Pulling x', { ...pull(), fraction })
  expect(spokenProgress('Pulling x', undefined)).toBe('Pulling x')
  expect([0.01, 0.24, 0.25, 0.49, 0.5, 1].map(at)).toEqual([
    ...['Pulling x', 'Pulling x', 'Pulling x: 25 %', 'Pulling x: 25 %'],
    ...['Pulling x: 50 %', 'Pulling x: 100 %'],
  ])
})

describe('the progress of a pull', () => {
  it('weighs layers by their size and counts the done ones in full', () => {
    const progress = pull(
      layer('reused', 0, 300_000_000),
      layer('downloading', 50_000_000, 100_000_000),
    )
    expect(progressFraction(progress)).toBe(0.875)
    expect(progressText(progress)).toBe('1 of 2 layers · 88 %')
  })

  it('claims no fraction while the size of a layer is unknown', () => {
    const progress = pull(layer('done', 5, 5), layer('downloading', 7, 0))
    expect(progressFraction(progress)).toBeUndefined()
    expect(progressText(progress)).toBe('1 of 2 layers')
  })

  it('believes a fraction that is told', () => {
    expect(progressFraction({ stage: 'disk', message: '', fraction: 0.5 })).toBe(0.5)
    expect(progressText({ stage: 'disk', message: '', fraction: 0.5 })).toBe('50 %')
    expect(progressText(undefined)).toBe('')
  })
})

describe('a layer', () => {
  it.each([
    [layer('reused', 0, 5), 'here already', 1],
    [layer('waiting', 0, 3_000_000), '3.0 MB', 0],
    [layer('waiting', 0, 0), 'waiting', 0],
    [layer('downloading', 1_000_000, 4_000_000), '1.0 MB of 4.0 MB', 0.25],
    [layer('downloading', 1_000_000, 0), '1.0 MB', undefined],
    [layer('unpacking', 20_000_000, 20_000_000), 'unpacking · 20 MB of 20 MB', 1],
    [layer('done', 9, 4_000_000), '4.0 MB', 1],
  ])('says how far it is: %o', (progress, text, fraction) => {
    expect(layerText(progress)).toBe(text)
    expect(layerFraction(progress)).toBe(fraction)
  })
})
