// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { applyChanges, type VmState } from '../../../../../src/renderer/features/vms/vm-store'
import { vmView } from './vm-views'

const empty: VmState = { load: 'ready', error: undefined, byId: {}, readings: {} }
const stats = {
  at: 5,
  cpuPercent: 1,
  memoryUsedMib: 2,
  memoryTotalMib: 3,
  rxBytes: 0,
  txBytes: 0,
}
const running = vmView('web', 'running', { view: { stats } })

describe('changes of machines', () => {
  it('apply in order, and leave the machines they do not name untouched', () => {
    const db = vmView('db', 'stopped')
    const before = applyChanges(empty, [{ type: 'changed', vm: db }])
    const after = applyChanges(before, [
      { type: 'changed', vm: vmView('web', 'starting') },
      { type: 'changed', vm: running },
    ])
    expect(after.byId['web']).toBe(running)
    expect(after.byId['db']).toBe(db)
  })

  it('gather readings while a machine runs and drop them when it stops', () => {
    const up = applyChanges(empty, [{ type: 'changed', vm: running }])
    expect(up.readings['web']).toHaveLength(1)
    const down = applyChanges(up, [{ type: 'changed', vm: vmView('web', 'stopped') }])
    expect(down.readings['web']).toBeUndefined()
  })

  it('forget a removed machine altogether', () => {
    const after = applyChanges(empty, [
      { type: 'changed', vm: running },
      { type: 'removed', id: 'web' },
    ])
    expect(after.byId).toEqual({})
    expect(after.readings).toEqual({})
  })
})
