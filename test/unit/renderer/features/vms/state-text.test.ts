// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import {
  currentStage,
  sinceText,
  stateLine,
  stateText,
} from '../../../../../src/renderer/features/vms/state-text'
import { vmView } from './vm-views'

const line = (...of: Parameters<typeof vmView>): string => stateLine(stateText(vmView(...of)))

describe('a machine’s state in words', () => {
  it('names the stage of a launch, from its progress or else from what has ended', () => {
    const progress = { stage: 'disk', message: '' }
    expect(line('a', 'starting', { view: { progress } })).toBe('Starting · disk')
    const timeline = [{ name: 'network', at: 5 }]
    expect(line('a', 'starting', { state: { timeline } })).toBe('Starting · hypervisor')
    expect(line('a', 'starting')).toBe('Starting · image')
  })

  it('says why a machine failed, in the fewest words', () => {
    expect(line('a', 'failed', { state: { exitCode: 1 } })).toBe('Failed · entrypoint exited 1')
    const error = { code: 'DISK_FULL', message: 'write: no space' } as const
    expect(line('a', 'failed', { state: { error } })).toBe('Failed · disk full')
    const odd = { code: 'INTERNAL', message: 'odd thing' } as const
    expect(line('a', 'failed', { state: { error: odd } })).toBe('Failed · odd thing')
    expect(line('a', 'failed')).toBe('Failed')
  })

  it('adds nothing where there is nothing to add', () => {
    expect(line('a', 'running')).toBe('Running')
    expect(line('a', 'stopped', { state: { exitCode: 0 } })).toBe('Stopped')
    expect(line('a', 'stopped', { state: { exitCode: 3 } })).toBe('Stopped · exited 3')
  })

  it('puts damaged files before everything', () => {
    const damaged = { code: 'STATE_CORRUPT', message: 'x' } as const
    expect(stateText(vmView('a', 'stopped', { view: { damaged } }))).toMatchObject({
      word: 'Damaged',
      tone: 'bad',
    })
  })

  it('has no stage after the last', () => {
    const timeline = [{ name: 'entrypoint', at: 5 }]
    expect(currentStage(vmView('a', 'starting', { state: { timeline } }))).toBe('')
  })
})

describe('since when', () => {
  const { state } = vmView('a', 'running', { state: { startedAt: 1000, stoppedAt: 500 } })
  it('counts up while the machine is up', () => {
    expect(sinceText(state, 5000)).toBe('4 s')
    expect(sinceText({ ...state, status: 'stopping' }, 61_000)).toBe('1 min')
  })

  it('looks back once it is off, and is empty if it never ran', () => {
    const now = 500 + 12 * 60_000
    expect(sinceText({ ...state, status: 'failed' }, now)).toBe('12 min ago')
    expect(sinceText(vmView('a', 'stopped').state, now)).toBe('')
    expect(sinceText(vmView('a', 'starting').state, now)).toBe('')
  })
})
