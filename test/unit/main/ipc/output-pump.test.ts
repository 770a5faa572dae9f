// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, it, vi, type Mock } from 'vitest'
import { OutputPump } from '../../../../src/main/ipc/output-pump'

const WINDOW = 1000
const BATCH = 200

describe('OutputPump', () => {
  let sent: Uint8Array[]
  let source: { pause: Mock<() => void>; resume: Mock<() => void> }
  let pump: OutputPump
  beforeEach(() => {
    vi.useFakeTimers()
    sent = []
    source = { pause: vi.fn(), resume: vi.fn() }
    pump = new OutputPump({
      source,
      send: (data) => sent.push(data),
      windowBytes: WINDOW,
      batchBytes: BATCH,
      intervalMs: 6,
    })
  })
  afterEach(() => vi.useRealTimers())

  const text = () => Buffer.concat(sent).toString()

  it('sends the first output after a rest at once', () => {
    pump.push(Buffer.from('a'))
    expect(text()).toBe('a')
    vi.advanceTimersByTime(20)
    pump.push(Buffer.from('b'))
    expect(text()).toBe('ab')
  })

  it('sends what comes close together as one batch', () => {
    for (const letter of 'abcdef') pump.push(Buffer.from(letter))
    vi.advanceTimersByTime(6)
    expect(sent.map((batch) => Buffer.from(batch).toString())).toEqual(['a', 'bcdef'])
  })

  it('never sends a batch larger than the limit', () => {
    pump.push(Buffer.alloc(450))
    expect(sent.map((batch) => batch.length)).toEqual([200, 200, 50])
  })

  it('sends a full batch without waiting', () => {
    pump.push(Buffer.from('a'))
    pump.push(Buffer.alloc(BATCH))
    expect(sent.map((batch) => batch.length)).toEqual([1, BATCH])
  })

  it('sends memory of its own, not a piece of a shared pool', () => {
    pump.push(Buffer.from('key'))
    expect(sent[0]?.buffer.byteLength).toBe(3)
  })

  it('pauses the source when the window is full, resumes it below half', () => {
    pump.push(Buffer.alloc(WINDOW - 1))
    expect(source.pause).not.toHaveBeenCalled()
    pump.push(Buffer.alloc(1))
    expect(source.pause).toHaveBeenCalledOnce()
    vi.advanceTimersByTime(6)
    pump.acknowledge(WINDOW / 2)
    expect(source.resume).not.toHaveBeenCalled()
    pump.acknowledge(1)
    expect(source.resume).toHaveBeenCalledOnce()
  })

  it('pauses once per full window', () => {
    pump.push(Buffer.alloc(WINDOW))
    pump.push(Buffer.alloc(5))
    expect(source.pause).toHaveBeenCalledOnce()
  })

  it('takes an acknowledgement of more than was sent for all of it', () => {
    pump.push(Buffer.alloc(10))
    pump.acknowledge(1e9)
    pump.push(Buffer.alloc(WINDOW))
    expect(source.pause).toHaveBeenCalledOnce()
  })

  it('sends what waits at its end and leaves no timer', () => {
    pump.push(Buffer.from('a'))
    pump.push(Buffer.from('b'))
    pump.end()
    expect(text()).toBe('ab')
    expect(vi.getTimerCount()).toBe(0)
  })

  it('drops what waits when nobody listens any more', () => {
    pump.push(Buffer.from('a'))
    pump.push(Buffer.from('b'))
    pump.discard()
    vi.advanceTimersByTime(100)
    expect(text()).toBe('a')
    expect(vi.getTimerCount()).toBe(0)
  })

  it('brings a flood through whole, in order, with no more than the window under way', () => {
    // A source that stops when paused, a window that draws slowly: what is neither sent nor drawn stays bounded.
    const total = 50_000
    let produced = 0
    let paused = false
    let drawn = 0
    let most = 0
    source.pause.mockImplementation(() => void (paused = true))
    source.resume.mockImplementation(() => void (paused = false))
    for (let turn = 0; drawn < total && turn < 100_000; turn += 1) {
      if (!paused && produced < total) {
        const size = Math.min(1 + ((turn * 37) % 150), total - produced)
        pump.push(Uint8Array.from({ length: size }, (_, at) => (produced + at) % 251))
        produced += size
      }
      vi.advanceTimersByTime(1)
      const arrived = sent.reduce((sum, batch) => sum + batch.length, 0)
      most = Math.max(most, produced - drawn)
      if (turn % 3 === 0 && arrived > drawn) {
        const step = Math.min(90, arrived - drawn)
        drawn += step
        pump.acknowledge(step)
      }
    }
    expect(drawn).toBe(total)
    expect(source.pause.mock.calls.length).toBeGreaterThan(10)
    expect(most).toBeLessThan(WINDOW + 150)
    expect(Buffer.concat(sent).every((byte, at) => byte === at % 251)).toBe(true)
  })
})
