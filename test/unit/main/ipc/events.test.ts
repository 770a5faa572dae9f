// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { VmView } from '../../../../src/contract/ipc'
import type { VmEvent } from '../../../../src/main/engine'
import { forwardMachineEvents, type SendEvent } from '../../../../src/main/ipc/events'

const vm = (id: string, createdAt: number) => ({ id, createdAt }) as VmView

describe('machine events', () => {
  let emit: (event: VmEvent) => void
  let sent: string[]
  const unsubscribe = vi.fn()
  beforeEach(() => {
    vi.useFakeTimers()
    sent = []
    const send = ((event: string, payload: VmView) =>
      sent.push(`${event} ${payload.id} ${payload.createdAt ?? ''}`.trim())) as SendEvent
    const subscribe = (listener: typeof emit) => {
      emit = listener
      return unsubscribe
    }
    expect(forwardMachineEvents({ subscribe }, send)).toBe(unsubscribe)
  })
  afterEach(() => vi.useRealTimers())

  it('reach the window at once, at most ten a second per machine, the last one always', () => {
    for (let at = 0; at < 100; at += 1) {
      emit({ type: 'changed', vm: vm('a', at) })
      vi.advanceTimersByTime(10)
    }
    vi.advanceTimersByTime(1000)
    expect(sent[0]).toBe('vm.changed a 0')
    expect(sent.at(-1)).toBe('vm.changed a 99')
    expect(sent.length).toBeLessThanOrEqual(11)
  })

  it('never bring a removed machine back', () => {
    emit({ type: 'changed', vm: vm('a', 1) })
    emit({ type: 'changed', vm: vm('a', 2) })
    emit({ type: 'removed', id: 'a' })
    vi.advanceTimersByTime(1000)
    expect(sent).toEqual(['vm.changed a 1', 'vm.removed a'])
  })
})
