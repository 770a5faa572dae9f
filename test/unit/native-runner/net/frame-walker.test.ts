// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { FrameWalker, type FrameRule } from '../../../../native-runner/net/frame-walker'
import { plainFrame, wire } from './frames'

const refuseFilledWith = (fill: number, headBytes = 20): FrameRule => ({
  headBytes,
  passes: (head) => head[0] !== fill,
})

/** Feeds the stream in chunks of the given sizes (the last one repeats). */
function walkInChunks(walker: FrameWalker, stream: Buffer, sizes: number[]): Buffer {
  const out: Buffer[] = []
  for (let at = 0, turn = 0; at < stream.length; turn += 1) {
    const size = sizes[Math.min(turn, sizes.length - 1)]!
    out.push(...walker.walk(stream.subarray(at, at + size)))
    at += size
  }
  return Buffer.concat(out)
}

const frames = [60, 1514, 14, 2, 0, 900].map((size, index) => plainFrame(size, index + 1))
const stream = Buffer.concat(frames.map(wire))

describe('walking frames', () => {
  it.each([[[1]], [[2]], [[3]], [[5]], [[7, 64]], [[1000]], [[stream.length]]])(
    'passes a stream through byte for byte and counts it, in chunks of %j',
    (sizes) => {
      const walker = new FrameWalker()
      expect(walkInChunks(walker, stream, sizes).equals(stream)).toBe(true)
      expect(walker.frames).toBe(6)
      expect(walker.bytes).toBe(60 + 1514 + 14 + 2 + 900)
    },
  )

  it.each([[[1]], [[3]], [[23]], [[24]], [[25]], [[64]], [[700]], [[stream.length]]])(
    'leaves out just the refused frames, in chunks of %j',
    (sizes) => {
      const walker = new FrameWalker(refuseFilledWith(2))
      const expected = Buffer.concat(frames.filter((_, index) => index !== 1).map(wire))
      expect(walkInChunks(walker, stream, sizes).equals(expected)).toBe(true)
      expect(walker.refused).toBe(1)
      expect(walker.frames).toBe(5)
    },
  )

  it('decides alike however the stream is cut, for every position of one cut', () => {
    const expected = Buffer.concat(frames.filter((_, index) => index !== 2).map(wire))
    for (let cut = 1; cut < stream.length; cut += 1) {
      const walker = new FrameWalker(refuseFilledWith(3))
      expect(walkInChunks(walker, stream, [cut, stream.length]).equals(expected)).toBe(true)
    }
  })

  it('does not copy what lies whole in a chunk', () => {
    const parts = new FrameWalker().walk(stream)
    expect(parts).toHaveLength(1)
    expect(parts[0]!.buffer).toBe(stream.buffer)
  })

  it('takes a frame of 65,535 bytes and refuses the stream at one more', () => {
    const walker = new FrameWalker()
    expect(walker.walk(wire(plainFrame(65_535, 1)))[0]).toHaveLength(65_539)
    const prefix = Buffer.from([0, 1, 0, 0])
    expect(() => walker.walk(prefix)).toThrow(/65536 bytes/)
  })

  it('notices an absurd length that arrives byte by byte', () => {
    const walker = new FrameWalker()
    expect(() => walkInChunks(walker, Buffer.from([0xff, 0xff, 0xff, 0xff]), [1])).toThrow()
  })

  it('tells how much of a promised frame is missing, and begins anew', () => {
    const walker = new FrameWalker()
    walker.walk(stream.subarray(0, 4 + 10))
    expect(walker.abandon()).toBe(50)
    expect(Buffer.concat(walker.walk(stream)).equals(stream)).toBe(true)
  })

  it('promises nothing for a frame whose head is not there yet', () => {
    const walker = new FrameWalker(refuseFilledWith(9))
    expect(walker.walk(stream.subarray(0, 10))).toEqual([])
    expect(walker.abandon()).toBe(0)
  })

  it('keeps the rest of a frame back when its receiver has changed', () => {
    const walker = new FrameWalker()
    walker.walk(stream.subarray(0, 30))
    walker.refuseRest()
    expect(Buffer.concat(walker.walk(stream.subarray(30))).equals(stream.subarray(64))).toBe(true)
  })
})
