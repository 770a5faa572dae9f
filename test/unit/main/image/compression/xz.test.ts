// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import type { MicrovmError } from '../../../../../src/contract/errors'
import { unxz } from '../../../../../src/main/image/compression/xz'
import { inPieces, mixture, noise, pack, unpackAll } from '../support/pack'

const content = mixture()
const small = content.subarray(0, 2000)
const unpack = (bytes: Buffer): Promise<Buffer> => unpackAll(unxz(inPieces(bytes)))

describe('an xz file', () => {
  it.each([
    ['-0'],
    ['-6'],
    ['-9e'],
    ['--check=none'],
    ['--check=crc32'],
    ['--block-size=100KiB'],
    ['-T2', '--block-size=300KiB'],
    ['--lzma2=dict=4KiB'],
    ['--lzma2=lc=0,lp=4,pb=4'],
    ['--lzma2=lc=4,lp=0,pb=0,mf=bt2,nice=273'],
  ])('made with %s %s is unpacked', async (...options) => {
    expect((await unpack(pack('xz', content, ...options))).equals(content)).toBe(true)
  })

  it('of noise, which LZMA cannot make smaller, is unpacked', async () => {
    const random = noise(1_000_000)
    expect((await unpack(pack('xz', random))).equals(random)).toBe(true)
  })

  it('may be several streams with padding between and behind them', async () => {
    const [one, two] = [pack('xz', small), pack('xz', content)]
    const padded = Buffer.concat([one, Buffer.alloc(8), two, Buffer.alloc(4)])
    expect((await unpack(padded)).equals(Buffer.concat([small, content]))).toBe(true)
  })

  it('of nothing is nothing', async () => {
    expect((await unpack(pack('xz', Buffer.alloc(0)))).length).toBe(0)
  })

  it('gives a lot of zeros in pieces', async () => {
    const bomb = pack('xz', Buffer.alloc(20_000_000))
    let bytes = 0
    for await (const chunk of unxz(inPieces(bomb))) {
      expect(chunk.length).toBeLessThanOrEqual(2 * 1024 * 1024)
      bytes += chunk.length
    }
    expect(bytes).toBe(20_000_000)
  })
})

describe('an xz file that is refused', () => {
  const good = pack('xz', small, '-0')

  it.each([
    ['has garbage behind it', Buffer.concat([good, Buffer.from('garbage!')])],
    ['has odd padding', Buffer.concat([good, Buffer.alloc(3)])],
    ['is followed by less than a stream', Buffer.concat([good, good.subarray(0, 20)])],
  ])('%s', async (_, bytes) => {
    await expect(unpack(bytes)).rejects.toMatchObject({ code: 'IMAGE_INVALID' })
  })

  it('is cut off, wherever that is', async () => {
    for (let length = 1; length < good.length; length += 7)
      await expect(unpack(good.subarray(0, length)), String(length)).rejects.toMatchObject({
        code: 'IMAGE_INVALID',
      })
  })

  it('has a bit turned, unless the content is the same all the same', async () => {
    for (let at = 6; at < good.length; at++) {
      const bad = Buffer.from(good)
      bad[at]! ^= 1 << (at % 8)
      const outcome = await unpack(bad).then(
        (bytes) => bytes.equals(small),
        // In the size of a dictionary it may look like a file that needs more memory.
        (error: MicrovmError) => ['IMAGE_INVALID', 'IMAGE_TOO_LARGE'].includes(error.code),
      )
      expect(outcome, `bit ${at % 8} of byte ${at}`).toBe(true)
    }
  })

  it('needs more memory than xz -9 does', async () => {
    await expect(unpack(pack('xz', small, '--lzma2=dict=96MiB'))).rejects.toMatchObject({
      code: 'IMAGE_TOO_LARGE',
      message: expect.stringContaining('64 MiB'),
      hint: expect.stringContaining('xz -d'),
    })
  })

  it('uses a filter beside LZMA2, or SHA-256 as its checksum', async () => {
    const filters = [
      ['--x86', '--lzma2=preset=6'],
      ['--delta=dist=4', '--lzma2=preset=6'],
    ]
    for (const options of [...filters, ['--check=sha256']])
      await expect(unpack(pack('xz', small, ...options))).rejects.toMatchObject({
        code: 'IMAGE_INVALID',
        message: expect.stringContaining('filter'),
      })
  })

  it('is given up as its source fails', async () => {
    const failing = async function* (): AsyncGenerator<Buffer, void> {
      yield good.subarray(0, 100)
      throw new Error('the disk is gone')
    }
    await expect(unpackAll(unxz(failing()))).rejects.toThrow('the disk is gone')
  })
})
