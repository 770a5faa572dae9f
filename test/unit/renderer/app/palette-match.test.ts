// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { findItems, matchScore } from '../../../../src/renderer/app/palette-match'

const items = ['Go to api', 'Go to scratchpad', 'Show settings', 'Stop api', 'Delete api…'].map(
  (label) => ({ label }),
)
const found = (query: string): string[] => findItems(items, query, 10).map(({ label }) => label)

describe('the command palette', () => {
  it('offers everything in order for no query, up to its limit', () => {
    expect(found(' ')).toEqual(items.map(({ label }) => label))
    expect(findItems(items, '', 2)).toHaveLength(2)
  })

  it('finds by letters in order, whatever lies between', () => {
    expect(found('dlt')).toEqual(['Delete api…'])
    expect(found('zzz')).toEqual([])
  })

  it('puts beginnings of words first', () => {
    expect(found('sa')[0]).toBe('Stop api')
    expect(found('stop api')[0]).toBe('Stop api')
  })

  it('scores neighbouring letters above scattered ones', () => {
    expect(matchScore('Shell db', 'shell')).toBeGreaterThan(matchScore('Show all bells', 'shell')!)
  })
})
