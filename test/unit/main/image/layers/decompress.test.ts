// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { decompress } from '../../../../../src/main/image/layers/decompress'

const noise = randomBytes(600_000)
const text = Buffer.from('a tar archive, say '.repeat(5000))

async function* pieces(bytes: Buffer, size: number): AsyncGenerator<Buffer, void> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function all(bytes: Buffer, size = 1000): Promise<Buffer> {
  const { chunks } = await decompress(pieces(bytes, size))
  const found: Buffer[] = []
  for await (const chunk of chunks) found.push(Buffer.from(chunk))
  return Buffer.concat(found)
}

describe('decompressing a layer', () => {
  it('passes a plain tar through, byte for byte, even an empty one', async () => {
    for (const bytes of [text, Buffer.from('ab'), Buffer.alloc(0)])
      for (const size of [1, 4, 100_000]) expect((await all(bytes, size)).equals(bytes)).toBe(true)
  })

  it('tells gzip by its first bytes, however they come', async () => {
    for (const size of [1, 3, 100_000])
      expect((await all(gzipSync(text), size)).equals(text)).toBe(true)
  })

  it('reads all members of a gzip stream, wherever it is cut', async () => {
    const members = Buffer.concat([gzipSync(text), gzipSync(Buffer.from('and more')), gzipSync('')])
    const expected = Buffer.concat([text, Buffer.from('and more')])
    const boundary = gzipSync(text).length
    for (const size of [1, boundary - 1, boundary, boundary + 1, boundary + 2, 100_000])
      expect((await all(members, size)).equals(expected)).toBe(true)
  })

  it.each([
    ['zeros', Buffer.alloc(5)],
    ['many zeros', Buffer.alloc(300_000)],
    ['garbage', Buffer.from('garbage')],
    ['much garbage', Buffer.alloc(300_000, 'x')],
    ['half a member', gzipSync('more').subarray(0, 8)],
  ])('refuses %s behind the last member', async (_what, tail) => {
    const damaged = Buffer.concat([gzipSync(text), tail])
    for (const size of [1, 1000, gzipSync(text).length, 1_000_000])
      await expect(all(damaged, size)).rejects.toMatchObject({ code: 'IMAGE_INVALID' })
  })

  it('refuses a stream that is cut short or damaged', async () => {
    const blob = gzipSync(text)
    await expect(all(blob.subarray(0, -9))).rejects.toMatchObject({ code: 'IMAGE_INVALID' })
    blob.writeUInt32LE(0, blob.length - 8)
    await expect(all(blob)).rejects.toMatchObject({ code: 'IMAGE_INVALID' })
  })

  it.each([
    ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, 0]],
    ['bzip2', [0x42, 0x5a, 0x68, 0x39, 0x31, 0x41, 0x59]],
  ])('refuses %s by name', async (name, bytes) => {
    await expect(all(Buffer.from(bytes))).rejects.toMatchObject({
      code: 'IMAGE_INVALID',
      message: expect.stringContaining(name) as string,
    })
  })

  it('tells zstd by its first bytes, too', async () => {
    const magic = [0x28, 0xb5, 0x2f, 0xfd]
    const frame = Buffer.from([...magic, 0, 0x50, 0x19, 0, 0, ...Buffer.from('tar')])
    for (const size of [1, 100]) expect((await all(frame, size)).toString()).toBe('tar')
  })

  it.each(['its reader stops', 'the stream is damaged'])(
    'ends when %s while the source has more to come later',
    async (why) => {
      let isEnded = false
      async function* slow(): AsyncGenerator<Buffer, void> {
        try {
          yield why === 'its reader stops' ? gzipSync(noise) : Buffer.alloc(300_000, gzipSync('x'))
          for (let i = 0; i < 3; i++) {
            await new Promise((resolve) => setTimeout(resolve, 20))
            yield Buffer.alloc(300_000)
          }
        } finally {
          isEnded = true
        }
      }
      const { chunks } = await decompress(slow())
      const reading = (async () => {
        for await (const _chunk of chunks) if (why === 'its reader stops') break
      })()
      if (why === 'its reader stops') await reading
      else await expect(reading).rejects.toMatchObject({ code: 'IMAGE_INVALID' })
      expect(isEnded).toBe(true)
    },
  )

  it('fails as its source fails, and ends the source when its reader stops', async () => {
    let isEnded = false
    async function* endless(): AsyncGenerator<Buffer, void> {
      try {
        yield gzipSync(text)
        for (;;) yield gzipSync(text)
      } finally {
        isEnded = true
      }
    }
    for await (const _chunk of (await decompress(endless())).chunks) break
    expect(isEnded).toBe(true)

    async function* broken(): AsyncGenerator<Buffer, void> {
      yield gzipSync(text).subarray(0, 50)
      throw new Error('connection lost')
    }
    const { chunks } = await decompress(broken())
    await expect(chunks[Symbol.asyncIterator]().next()).rejects.toThrow('connection lost')
  })
})
