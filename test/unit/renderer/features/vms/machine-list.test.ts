// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import {
  matchesFilter,
  moveSelection,
  visibleIds,
} from '../../../../../src/renderer/features/vms/machine-list'
import { vmView } from './vm-views'

const api = vmView('api', 'running', {
  spec: { image: 'debian:bookworm', ports: [{ host: 8080, guest: 80 }] },
  state: { startedAt: 3000 },
})
const etl10 = vmView('etl-10', 'failed', { state: { exitCode: 1, stoppedAt: 2000 } })
const etl9 = vmView('etl-9', 'stopped', { state: { stoppedAt: 1000 } })
const all = [etl10, api, etl9]

describe('the filter', () => {
  it('needs every word somewhere: name, image, state or port', () => {
    expect(all.filter((vm) => matchesFilter(vm, ' ')).length).toBe(3)
    expect(matchesFilter(api, 'BOOKWORM run')).toBe(true)
    expect(matchesFilter(api, '8080')).toBe(true)
    expect(matchesFilter(etl10, 'exited 1')).toBe(true)
    expect(matchesFilter(api, 'bookworm stopped')).toBe(false)
  })
})

describe('the order', () => {
  it('is by name, numbers as numbers', () => {
    expect(visibleIds(all, '', { column: 'name', descending: false })).toEqual([
      'api',
      'etl-9',
      'etl-10',
    ])
    expect(visibleIds(all, '', { column: 'name', descending: true })[0]).toBe('etl-10')
  })

  it('puts what needs attention first when by state, and the latest first when by time', () => {
    expect(visibleIds(all, '', { column: 'state', descending: false })[0]).toBe('etl-10')
    expect(visibleIds(all, '', { column: 'since', descending: false })).toEqual([
      'api',
      'etl-10',
      'etl-9',
    ])
  })

  it('goes on by name among equals', () => {
    const twins = [vmView('b', 'running'), vmView('a', 'running')]
    expect(visibleIds(twins, '', { column: 'state', descending: true })).toEqual(['a', 'b'])
  })
})

describe('the selection', () => {
  it('moves by keys and stays in the table', () => {
    expect(moveSelection('ArrowDown', 1, 5, 3)).toBe(2)
    expect(moveSelection('ArrowUp', 0, 5, 3)).toBe(0)
    expect(moveSelection('PageDown', 3, 5, 3)).toBe(4)
    expect(moveSelection('Home', 3, 5, 3)).toBe(0)
    expect(moveSelection('End', 0, 5, 3)).toBe(4)
  })

  it('does not move by other keys or in an empty table', () => {
    expect(moveSelection('x', 1, 5, 3)).toBeUndefined()
    expect(moveSelection('End', 0, 0, 3)).toBeUndefined()
  })
})
