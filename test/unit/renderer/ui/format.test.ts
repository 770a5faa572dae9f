// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import {
  formatAgo,
  formatBytes,
  formatDuration,
  formatMib,
  formatMibRoughly,
  formatMs,
  formatPlural,
  shortDigest,
} from '../../../../src/renderer/ui/format'

const minute = 60_000
const hour = 60 * minute

describe('sizes', () => {
  it.each([
    [0, '0 B'],
    [-5, '0 B'],
    [999, '999 B'],
    [1000, '1 kB'],
    [999_400, '999 kB'],
    [999_600, '1.0 MB'],
    [1_240_000, '1.2 MB'],
    [9_960_000, '10 MB'],
    [95_000_000, '95 MB'],
    [1_800_000_000, '1.8 GB'],
  ])('writes %d bytes as %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text)
  })

  it('writes whole gigabytes of memory as such from 4 GB on', () => {
    expect([512, 1024, 1536, 4096, 4097, 10_240].map(formatMib)).toEqual([
      '512 MB',
      '1,024 MB',
      '1,536 MB',
      '4 GB',
      '4,097 MB',
      '10 GB',
    ])
  })

  it('rounds what a host has', () => {
    expect(formatMibRoughly(15_872)).toBe('16 GB')
    expect(formatMibRoughly(800)).toBe('800 MB')
  })
})

describe('times', () => {
  it.each([
    [-1, '0 s'],
    [4999, '4 s'],
    [12 * minute, '12 min'],
    [2 * hour + 14 * minute + 59_000, '2 h 14 m'],
    [76 * hour, '3 d 4 h'],
  ])('writes a stretch of %d ms as %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text)
  })

  it('writes a measured time in the unit that fits', () => {
    expect(formatMs(84.4)).toBe('84 ms')
    expect(formatMs(1424)).toBe('1.42 s')
  })

  const now = new Date(2026, 5, 10, 15, 0).getTime()
  it.each([
    [now - 5000, 'just now'],
    [now + 5000, 'just now'],
    [now - 12 * minute, '12 min ago'],
    [now - 14 * hour, '14 h ago'],
    [now - 16 * hour, 'yesterday'],
    [now - 38 * hour, 'yesterday'],
    [now - 40 * hour, '2 days ago'],
    [new Date(2026, 2, 4).getTime(), '4 Mar 2026'],
  ])('writes the moment %d as %s', (then, text) => {
    expect(formatAgo(then, now)).toBe(text)
  })

  it('does not call a moment of the night before "yesterday" while it is still night', () => {
    const night = new Date(2026, 5, 10, 1, 0).getTime()
    expect(formatAgo(night - 2 * hour, night)).toBe('2 h ago')
  })
})

it('writes counts with their noun', () => {
  expect([0, 1, 2, 1200].map((n) => formatPlural(n, 'layer'))).toEqual([
    '0 layers',
    '1 layer',
    '2 layers',
    '1,200 layers',
  ])
})

it('shortens digests', () => {
  expect(shortDigest(`sha256:${'ab'.repeat(32)}`)).toBe('abababababab')
})
