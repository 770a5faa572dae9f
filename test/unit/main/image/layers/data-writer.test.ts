// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto'
import { closeSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { DataWriter } from '../../../../../src/main/image/layers/data-writer'

const folder = mkdtempSync(join(tmpdir(), 'data-writer-'))
afterAll(() => rmSync(folder, { recursive: true }))
const MIB = 1024 * 1024

async function writing(name: string, work: (writer: DataWriter) => void): Promise<string> {
  const path = join(folder, name)
  const fd = openSync(path, 'wx')
  const writer = new DataWriter(fd)
  work(writer)
  await writer.finish()
  closeSync(fd)
  return path
}

function put(writer: DataWriter, ...chunks: Buffer[]): number {
  const offset = writer.size
  for (const chunk of chunks) writer.write(chunk, 0, chunk.length)
  writer.endFile()
  return offset
}

describe('a data file', () => {
  it('has every file at a multiple of 4096, with zeros between', async () => {
    const files = [1, 4095, 4096, 4097, 5 * MIB, 3].map((size, i) => Buffer.alloc(size, i + 1))
    const offsets: number[] = []
    const path = await writing('aligned', (writer) => {
      for (const file of files) offsets.push(put(writer, file))
    })
    const bytes = readFileSync(path)
    expect(bytes.length % 4096).toBe(0)
    for (const [i, file] of files.entries()) {
      expect(offsets[i]! % 4096).toBe(0)
      const end = offsets[i]! + file.length
      expect(bytes.subarray(offsets[i], end).equals(file)).toBe(true)
      const next = offsets[i + 1] ?? bytes.length
      expect(bytes.subarray(end, next).every((byte) => byte === 0)).toBe(true)
    }
  })

  it('leaves holes for long runs of zeros, wherever they lie, and keeps every other byte', async () => {
    const parts = [
      Buffer.alloc(3 * MIB + 123, 1),
      Buffer.alloc(9 * MIB),
      Buffer.alloc(100, 2),
      Buffer.alloc(20_000),
      Buffer.alloc(77, 3),
      Buffer.alloc(2 * MIB),
    ]
    const path = await writing('sparse', (writer) => put(writer, ...parts))
    const expected = Buffer.concat(parts)
    expect(readFileSync(path).subarray(0, expected.length).equals(expected)).toBe(true)
    expect(statSync(path).blocks * 512).toBeLessThan(4 * MIB)
  })

  it('does not take a page for a hole because its first bytes are zero', async () => {
    const page = Buffer.alloc(MIB)
    for (let at = 4095; at < page.length; at += 4096) page[at] = 9
    const path = await writing('almost', (writer) => put(writer, page))
    expect(readFileSync(path).equals(page)).toBe(true)
  })

  it('holds files over 4 GiB without taking their zeros', async () => {
    const gib = Buffer.alloc(64 * MIB)
    let last = 0
    const path = await writing('large', (writer) => {
      for (let i = 0; i < 66; i++) writer.write(gib, 0, gib.length)
      writer.write(Buffer.from('end'), 0, 3)
      writer.endFile()
      last = put(writer, Buffer.from('next'))
    })
    expect(last).toBe(66 * 64 * MIB + 4096)
    const { size, blocks } = statSync(path)
    expect(size).toBe(last + 4096)
    expect(blocks * 512).toBeLessThan(MIB)
    const found = Buffer.alloc(4)
    const fd = openSync(path, 'r')
    readSync(fd, found, 0, 4, last)
    closeSync(fd)
    expect(found.toString()).toBe('next')
  })

  it('keeps every byte however it comes in pieces', async () => {
    const bytes = randomBytes(3 * MIB)
    const path = await writing('pieces', (writer) => {
      const sizes = [1, 100, 65_535, 65_536, 65_537, 4096, 700_000]
      for (let at = 0, i = 0; at < bytes.length; i++) {
        const end = Math.min(bytes.length, at + sizes[i % sizes.length]!)
        writer.write(bytes, at, end)
        at = end
      }
      writer.endFile()
    })
    expect(readFileSync(path).equals(bytes)).toBe(true)
  })

  it('is on its way to the disk before it is complete, with every byte', async () => {
    const chunk = randomBytes(MIB)
    const fd = openSync(join(folder, 'long'), 'wx')
    const writer = new DataWriter(fd)
    for (let i = 0; i < 150; i++) {
      writer.write(chunk, 0, chunk.length)
      if (i % 10 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    await writer.finish()
    closeSync(fd)
    const found = readFileSync(join(folder, 'long'))
    expect(found.length).toBe(150 * MIB)
    for (let at = 0; at < found.length; at += MIB)
      expect(found.subarray(at, at + MIB).equals(chunk)).toBe(true)
  })

  it('tells of a write that fails', () => {
    const fd = openSync(join(folder, 'aligned'), 'r')
    const writer = new DataWriter(fd)
    const chunk = Buffer.alloc(2 * MIB, 1)
    expect(() => writer.write(chunk, 0, chunk.length)).toThrow(
      expect.objectContaining({ code: 'EBADF' }),
    )
    closeSync(fd)
  })
})
