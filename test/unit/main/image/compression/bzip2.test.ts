// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { unbzip2 } from '../../../../../src/main/image/compression/bzip2'
import { inPieces, mixture, noise, pack, unpackAll } from '../support/pack'

const content = mixture()
const small = content.subarray(0, 2000)
const unpack = (bytes: Buffer): Promise<Buffer> => unpackAll(unbzip2(inPieces(bytes)))

describe('a bzip2 file', () => {
  it.each(['-1', '-5', '-9'])('made with %s is unpacked', async (level) => {
    expect((await unpack(pack('bzip2', content, level))).equals(content)).toBe(true)
  })

  it('may be several streams', async () => {
    const both = Buffer.concat([pack('bzip2', small, '-1'), pack('bzip2', content, '-9')])
    expect((await unpack(both)).equals(Buffer.concat([small, content]))).toBe(true)
  })

  it.each<[string, Buffer]>([
    ['noise', noise(1_000_000)],
    ['one byte', Buffer.of(0)],
    ['nothing', Buffer.alloc(0)],
    // Runs of four are followed by a count, of 255 at most.
    ...[3, 4, 5, 258, 259, 260, 263, 600].map((length): [string, Buffer] => [
      `a run of ${length}`,
      Buffer.alloc(length, 'x'),
    ]),
    ['runs side by side', Buffer.from('aaaabbbbccccaaaa'.repeat(3000))],
  ])('of %s is unpacked', async (_, bytes) => {
    expect((await unpack(pack('bzip2', bytes))).equals(bytes)).toBe(true)
  })

  it('gives a lot of zeros in pieces', async () => {
    const bomb = pack('bzip2', Buffer.alloc(20_000_000))
    expect(bomb.length).toBeLessThan(100)
    let bytes = 0
    for await (const chunk of unbzip2(inPieces(bomb))) {
      expect(chunk.length).toBeLessThanOrEqual(1024 * 1024)
      bytes += chunk.length
    }
    expect(bytes).toBe(20_000_000)
  })
})

describe('a bzip2 file that is refused', () => {
  const good = pack('bzip2', small, '-1')

  it.each([
    ['has garbage behind it', Buffer.concat([good, Buffer.from('garbage!')])],
    ['is followed by less than a stream', Buffer.concat([good, good.subarray(0, 20)])],
    ['is of a level that is none', Buffer.concat([Buffer.from('BZh0'), good.subarray(4)])],
  ])('%s', async (_, bytes) => {
    await expect(unpack(bytes)).rejects.toMatchObject({ code: 'IMAGE_INVALID' })
  })

  it('is cut off, wherever that is', async () => {
    for (let length = 1; length < good.length; length += 7)
      await expect(unpack(good.subarray(0, length)), String(length)).rejects.toMatchObject({
        code: 'IMAGE_INVALID',
      })
  })

  it('has a bit turned, unless that changes nothing', async () => {
    for (let at = 0; at < good.length; at += 2) {
      const bad = Buffer.from(good)
      bad[at]! ^= 1 << (at % 8)
      const outcome = await unpack(bad).catch((error: { code: string }) => error.code)
      // The codes of symbols that do not occur may be any.
      const isHarmless = Buffer.isBuffer(outcome) && outcome.equals(small)
      expect(isHarmless || outcome === 'IMAGE_INVALID', String(at)).toBe(true)
    }
  })
})
