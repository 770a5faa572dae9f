// SPDX-License-Identifier: Apache-2.0
// Files packed by the tools that everybody packs with, and some content worth packing.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'

/** What the tool makes of these bytes. */
export function pack(
  tool: 'gzip' | 'bzip2' | 'xz' | 'zstd',
  bytes: Buffer,
  ...options: string[]
): Buffer {
  const maxBuffer = 2 ** 31
  const { status, stdout, stderr, error } = spawnSync(tool, ['-c', ...options], {
    input: bytes,
    maxBuffer,
  })
  if (status !== 0) throw new Error(`${tool} failed: ${error?.message ?? stderr.toString()}`)
  return stdout
}

/** As random as it looks, and the same each time. */
export function noise(length: number, seed = 'noise'): Buffer {
  const parts: Buffer[] = []
  for (let n = 0; n * 32 < length; n++)
    parts.push(createHash('sha256').update(`${seed} ${n}`).digest())
  return Buffer.concat(parts).subarray(0, length)
}

/** Of the kinds that a disk holds: text, numbers, noise, zeros, repetitions near and far. */
export function mixture(): Buffer {
  const words = ['disk', 'image', 'block', 'sector', 'inode', 'extent']
  const random = noise(60_000)
  const text = Array.from(random, (byte) => words[byte % words.length]).join(' ')
  const numbers = Buffer.from(Uint32Array.from({ length: 50_000 }, (_, n) => n * n).buffer)
  const start = Buffer.from(text)
  return Buffer.concat([
    start,
    random,
    Buffer.alloc(300_000),
    numbers,
    Buffer.alloc(5000, 'ab'),
    start,
  ])
}

export async function unpackAll(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = []
  for await (const chunk of chunks) all.push(chunk)
  return Buffer.concat(all)
}

/** In pieces that end anywhere. */
export async function* inPieces(bytes: Buffer, size = 1000): AsyncGenerator<Buffer, void> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}
