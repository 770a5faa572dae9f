// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { unzstd } from '../../../../../src/main/image/layers/zstd'

/** The words below as the zstd command packs them at level 19: literals and sequences by entropy codes, a checksum. */
const packed = Buffer.from(
  [
    'KLUv/WQ6CNULAKKDCxDA6zSWFkvWgjQRwqpaqM4Mfe/evXv3KyEi6/LUoneymrvKQTBHD7kSkgGHVy2AtaixBykU',
    'NuYgQoQYM+sS6BCQEQKK5WwiQI69UGvaNzfo0Ed0gAr2MSPzh2SsLIcNuTUQzYoaJsKPJovABWWeKCpFGFsPOxLb',
    'f7K1c9n/LU3kxhI1YAv8VV6vJuCfoRhmmibXkuMoIqjdE/JBptnT+YHG6r0/q8WgyKoIS29BSeuyNea4nL01+hq9',
    'HqJ8ufXSp2XI2SivCzuVa/fKPA662BeuAkWAx50MIj3T6gA+W4B8Y51Axl4mj9ESekXOO4IKpSU1c3K0fCV0WSrJ',
    '97vDSn95DCre3oHH6z3jilGW4IN0Xf5k/RPvpILtHyD7yZeMNnrJDabVYKep/IfIwsmli9oCH28no0L2AJlwRF4O',
    'cRpkmPCvLdltBgtqONdGVr6ZvuEdHtyB6nAMFNxHIWBMb5kJOLmLNhhiuWZdECENU+v0qVTAf7GWKnOWxGg=',
  ].join(''),
  'base64',
)
const words = ['layer', 'image', 'digest', 'tar', 'zstd', 'frame', 'block', 'window']
let seed = 7
const text = Array.from({ length: 400 }, () => {
  seed = (seed * 1103515245 + 12345) % 2147483648
  return `${words[(seed >>> 16) & 7]} `
}).join('')

type Block = readonly [kind: number, size: number, body: Buffer]

/** A frame without checksum; `window` as in the window descriptor. */
function frame(window: number, ...blocks: readonly Block[]): Buffer {
  const parts = blocks.map(([kind, size, body], index) => {
    const header = Buffer.alloc(3)
    header.writeUIntLE((size << 3) | (kind << 1) | (index === blocks.length - 1 ? 1 : 0), 0, 3)
    return Buffer.concat([header, body])
  })
  return Buffer.concat([Buffer.of(0x28, 0xb5, 0x2f, 0xfd, 0, window), ...parts])
}
const raw = (body: string): Block => [0, body.length, Buffer.from(body)]
const rle = (size: number): Block => [1, size, Buffer.from('a')]
const skippable = Buffer.concat([
  Buffer.of(0x53, 0x2a, 0x4d, 0x18, 5, 0, 0, 0),
  Buffer.from('hello'),
])
/** 1 MiB. */
const WINDOW = 10 << 3

async function unpack(bytes: Buffer, size = 7): Promise<string> {
  async function* pieces(): AsyncGenerator<Buffer, void> {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
  }
  const chunks: Buffer[] = []
  for await (const chunk of unzstd(pieces())) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

describe('a zstd stream', () => {
  it.each([1, 3, 7, 1000])('is unpacked, however it comes: %i bytes at a time', async (size) => {
    expect(await unpack(packed, size)).toBe(text)
  })

  it('may have several frames, and others in between that mean nothing', async () => {
    const stream = [skippable, packed, frame(WINDOW, raw('one '), rle(3)), skippable, packed]
    expect(await unpack(Buffer.concat(stream))).toBe(`${text}one aaa${text}`)
  })

  it('of nothing is nothing', async () => {
    expect(await unpack(Buffer.alloc(0))).toBe('')
    expect(await unpack(frame(WINDOW, raw('')))).toBe('')
  })

  it('comes in small pieces, even from a bomb of blocks', async () => {
    const blocks = Array.from({ length: 2000 }, () => rle(128 * 1024))
    const bomb = frame(WINDOW, ...blocks)
    async function* whole(): AsyncGenerator<Buffer, void> {
      yield bomb
    }
    let bytes = 0
    for await (const chunk of unzstd(whole())) {
      expect(chunk.length).toBeLessThanOrEqual(128 * 1024)
      bytes += chunk.length
      if (bytes > 4 * 1024 * 1024) break
    }
    expect(bytes).toBeGreaterThan(4 * 1024 * 1024)
  })

  it('that would take much memory is refused before it gets any', async () => {
    for (const window of [0x90, 0xff])
      await expect(unpack(frame(window, raw('x')))).rejects.toMatchObject({
        code: 'IMAGE_TOO_LARGE',
      })
    const single = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0])
    await expect(unpack(single)).rejects.toMatchObject({ code: 'IMAGE_TOO_LARGE' })
  })

  it('that is cut short anywhere is refused', async () => {
    for (let length = 1; length < packed.length; length++)
      await expect(unpack(packed.subarray(0, length), 64), String(length)).rejects.toMatchObject({
        code: 'IMAGE_INVALID',
      })
  })

  it.each<[string, Buffer]>([
    ['a tail', Buffer.concat([packed, Buffer.from('tail')])],
    ['a reserved block', frame(WINDOW, [3, 1, Buffer.from('x')])],
    ['a block that is too large', frame(WINDOW, [0, 128 * 1024 + 1, Buffer.alloc(128 * 1024 + 1)])],
    ['nonsense in a block', frame(WINDOW, [2, 9, Buffer.alloc(9, 0xff)])],
    ['a dictionary', Buffer.of(0x28, 0xb5, 0x2f, 0xfd, 1, WINDOW, 5, 1, 0, 0)],
    ['a reserved bit', Buffer.of(0x28, 0xb5, 0x2f, 0xfd, 8, WINDOW, 1, 0, 0)],
  ])('with %s is refused', async (_what, bytes) => {
    await expect(unpack(bytes)).rejects.toMatchObject({ code: 'IMAGE_INVALID' })
  })
})
