// SPDX-License-Identifier: Apache-2.0
import { PassThrough } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it, vi } from 'vitest'
import type { GuestEvent } from '../../../../src/contract/guest-protocol'
import { ControlPort, parseGuestEvent } from '../../../../native-runner/runner/control-port'

function setUp() {
  const stream = new PassThrough({ highWaterMark: 1024 * 1024 })
  const events: GuestEvent[] = []
  const port = new ControlPort(stream, (event) => events.push(event))
  const say = async (data: string | Buffer): Promise<void> => {
    stream.write(data)
    await turn()
    await turn()
  }
  return { stream, events, port, say }
}

const hello = '{"event":"hello","uptime":12.5,"protocol":1}'

describe('a line of the guest’s', () => {
  it('is an event if it is one', () => {
    expect(parseGuestEvent(hello)).toEqual({ event: 'hello', uptime: 12.5, protocol: 1 })
    expect(parseGuestEvent('{"event":"exited","uptime":1,"code":3}')).toMatchObject({ code: 3 })
  })

  it.each([
    '',
    'hello',
    '[]',
    'null',
    '{"event":"hello"}',
    '{"event":"hello","uptime":-1,"protocol":1}',
    '{"event":"hello","uptime":1,"protocol":2}',
    '{"event":"exited","uptime":1,"code":1.5}',
    '{"event":"shutdown","uptime":1,"reason":"boredom"}',
    '{"event":"__proto__","uptime":1}',
    '{"event":"stats","uptime":1,"cpuPercent":"1","memoryUsedMib":1,"memoryTotalMib":1}',
    '{"event":"stats","uptime":1,"cpuPercent":1e999,"memoryUsedMib":1,"memoryTotalMib":1}',
  ])('is nothing if it is %j', (line) => {
    expect(parseGuestEvent(line)).toBeUndefined()
  })
})

describe('the control port', () => {
  it('reads events across chunk borders', async () => {
    const { events, say } = setUp()
    for (const character of `${hello}\n`) await say(character)
    await say(`${hello}\n${hello}\n`)
    expect(events).toHaveLength(3)
  })

  it('counts and drops what makes no sense, and goes on', async () => {
    const { events, port, say } = setUp()
    await say(`garbage\n${hello}\n\u0000\n`)
    await say(Buffer.from([0xff, 0xfe, 0x0a]))
    expect(events).toHaveLength(1)
    expect(port.rejected).toBe(3)
    expect(port.events).toBe(1)
  })

  it('throws away a line beyond 4096 bytes as a whole, however long', async () => {
    const { events, port, say } = setUp()
    for (let i = 0; i < 100; i += 1) await say('x'.repeat(10_000))
    await say(`\n${hello}\n`)
    expect(port.rejected).toBe(1)
    expect(events).toHaveLength(1)
  })

  it('reads a flood slowly', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'performance'] })
    try {
      const { events, stream, say } = setUp()
      await say(`${hello}\n`.repeat(300))
      await say(`${hello}\n`.repeat(300))
      expect(stream.isPaused()).toBe(true)
      expect(events).toHaveLength(300)
      vi.advanceTimersByTime(1001)
      await turn()
      await turn()
      expect(events.length).toBeGreaterThan(300)
    } finally {
      vi.useRealTimers()
    }
  })

  it('sends commands as lines', () => {
    const { port, stream } = setUp()
    const write = vi.spyOn(stream, 'write').mockReturnValue(true)
    port.send('poweroff', 10_000)
    port.send('setTime', 1.23456)
    expect(write.mock.calls.map(([text]) => String(text))).toEqual([
      'poweroff 10000\n',
      'set-time 1.235\n',
    ])
  })
})
