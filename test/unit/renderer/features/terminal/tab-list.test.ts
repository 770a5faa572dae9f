// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { nextTab, withoutTab } from '../../../../../src/renderer/features/terminal/tab-list'

const tabs = ['a', 'b', 'c'].map((id) => ({ id, vmId: 'vm' }))

describe('terminal tabs', () => {
  it('bring the right neighbour to the front when the front one closes, else the left', () => {
    expect(withoutTab({ open: true, tabs, active: 'b' }, 'b').active).toBe('c')
    expect(withoutTab({ open: true, tabs, active: 'c' }, 'c').active).toBe('b')
  })

  it('keep the front when another closes', () => {
    expect(withoutTab({ open: true, tabs, active: 'a' }, 'c')).toEqual({
      open: true,
      tabs: tabs.slice(0, 2),
      active: 'a',
    })
  })

  it('fold the panel with the last one', () => {
    const last = { open: true, tabs: tabs.slice(0, 1), active: 'a' }
    expect(withoutTab(last, 'a')).toEqual({ open: false, tabs: [], active: undefined })
  })

  it('are walked through round the corner', () => {
    expect(nextTab(tabs, 'c', 1)?.id).toBe('a')
    expect(nextTab(tabs, 'a', -1)?.id).toBe('c')
    expect(nextTab([], undefined, 1)).toBeUndefined()
  })
})
