// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { continueBlob } from '../../../../../src/main/image/registry/blob-part'
import { STRETCH_BYTES } from '../../../../../src/main/image/registry/part-writer'

const CHUNK = 256 * 1024
const blob = randomBytes(3 * STRETCH_BYTES)

let folder: string
let path: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'microvm-part-'))
  path = join(folder, 'blob.part')
  writeFileSync(path, '')
})
afterEach(() => rmSync(folder, { recursive: true }))

/** Takes the blob in as a layer would, up to `end`. */
async function read({ networkMs = 0, readerMs = 0, end = blob.length }): Promise<Buffer> {
  async function* fetchFrom(start: number): AsyncGenerator<Buffer, void> {
    for (let at = start; at < blob.length; at += CHUNK) {
      if (networkMs > 0) await sleep(networkMs)
      yield blob.subarray(at, at + CHUNK)
    }
  }
  async function* readPart(length: number): AsyncGenerator<Buffer, void> {
    yield readFileSync(path).subarray(0, length)
  }
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of continueBlob(path, blob.length, readPart, fetchFrom)) {
    chunks.push(chunk)
    bytes += chunk.length
    if (readerMs > 0) await sleep(readerMs)
    if (bytes >= end) break
  }
  return Buffer.concat(chunks)
}

describe('the part of a blob', () => {
  it('is all of what has come when the network is what one waits for', async () => {
    const seen = await read({ networkMs: 1, end: 2.5 * STRETCH_BYTES })
    expect(seen.length).toBeGreaterThanOrEqual(2.5 * STRETCH_BYTES)
    expect(readFileSync(path).equals(seen)).toBe(true)
  })

  it('is a beginning and no more when the blob comes faster than it is read', async () => {
    const seen = await read({ readerMs: 1 })
    expect(seen.equals(blob)).toBe(true)
    const part = readFileSync(path)
    expect(part.length).toBeGreaterThan(0)
    expect(part.length).toBeLessThan(2 * STRETCH_BYTES)
    expect(part.equals(blob.subarray(0, part.length))).toBe(true)
  })

  it('is continued from either', async () => {
    await read({ readerMs: 1, end: 2 * STRETCH_BYTES })
    expect((await read({ networkMs: 1 })).equals(blob)).toBe(true)
    expect(readFileSync(path).equals(blob)).toBe(true)
  })
})
