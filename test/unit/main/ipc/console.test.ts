// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Engine, Machines } from '../../../../src/main/engine'
import { createConsoles } from '../../../../src/main/ipc/console'
import type { SendEvent } from '../../../../src/main/ipc/events'

const VM = 'abcdef012345'

describe('a followed console', () => {
  let print: (text: string) => void
  const stop = vi.fn()
  let data: string[]
  beforeEach(() => {
    vi.useFakeTimers()
    stop.mockClear()
    data = []
  })
  afterEach(() => vi.useRealTimers())

  function setUp() {
    const machines: Pick<Machines, 'followConsole' | 'readConsole'> = {
      followConsole: (_id, listener) => {
        print = listener
        return stop
      },
      readConsole: async (_id, maxBytes) => `past ${maxBytes}`,
    }
    const send = ((_event: string, payload: { data: string }) =>
      data.push(payload.data)) as SendEvent
    return createConsoles({ engine: async () => ({ machines }) as unknown as Engine, send })
  }

  it('starts with its recent past', async () => {
    expect(await setUp().handlers['console.follow']({ id: VM })).toBe('past 262144')
  })

  it('arrives in bursts, each line once and in order', async () => {
    await setUp().handlers['console.follow']({ id: VM })
    for (let line = 0; line < 5; line += 1) print(`${line}\n`)
    expect(data).toEqual([])
    vi.advanceTimersByTime(50)
    print('5\n')
    vi.advanceTimersByTime(50)
    expect(data).toEqual(['0\n1\n2\n3\n4\n', '5\n'])
  })

  it('keeps only the end of a flood', async () => {
    await setUp().handlers['console.follow']({ id: VM })
    for (let at = 0; at < 100; at += 1) print('x'.repeat(10_000))
    print('end')
    vi.advanceTimersByTime(50)
    expect(data[0]).toHaveLength(262_144)
    expect(data[0]?.endsWith('xend')).toBe(true)
  })

  it('says nothing more once it is no longer followed', async () => {
    const { handlers, unfollowAll } = setUp()
    await handlers['console.follow']({ id: VM })
    print('late')
    await handlers['console.unfollow']({ id: VM })
    vi.advanceTimersByTime(1000)
    expect(data).toEqual([])
    unfollowAll()
    expect(stop).toHaveBeenCalledOnce()
  })

  it('is followed once however often it is asked for', async () => {
    const { handlers, unfollowAll } = setUp()
    await handlers['console.follow']({ id: VM })
    await handlers['console.follow']({ id: VM })
    expect(stop).toHaveBeenCalledOnce()
    unfollowAll()
    expect(stop).toHaveBeenCalledTimes(2)
  })
})
