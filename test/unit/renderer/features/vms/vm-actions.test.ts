// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { vmStatusSchema } from '../../../../../src/contract/vm-state'
import { actionForKey, actionsFor } from '../../../../../src/renderer/features/vms/vm-actions'
import { vmView } from './vm-views'

describe('actions', () => {
  it('offer no start to a machine that is up and no stop to one that is off', () => {
    expect(actionsFor(vmView('a', 'running'))).toEqual(['shell', 'stop', 'restart', 'delete'])
    expect(actionsFor(vmView('a', 'failed'))).toEqual(['start', 'delete'])
  })

  it('let every machine be deleted', () => {
    for (const status of vmStatusSchema.options)
      expect(actionsFor(vmView('a', status))).toContain('delete')
  })

  it('leave only deletion to a machine whose files are damaged', () => {
    const damaged = { code: 'STATE_CORRUPT', message: 'x' } as const
    expect(actionsFor(vmView('a', 'stopped', { view: { damaged } }))).toEqual(['delete'])
  })
})

describe('keys in the table', () => {
  it('start what is off and stop what is up with the same key', () => {
    expect(actionForKey('s', vmView('a', 'stopped'))).toBe('start')
    expect(actionForKey('S', vmView('a', 'running'))).toBe('stop')
  })

  it('do nothing that makes no sense now', () => {
    expect(actionForKey('r', vmView('a', 'stopped'))).toBeUndefined()
    expect(actionForKey('t', vmView('a', 'stopped'))).toBeUndefined()
    expect(actionForKey('q', vmView('a', 'running'))).toBeUndefined()
    expect(actionForKey('Delete', vmView('a', 'running'))).toBe('delete')
  })
})
