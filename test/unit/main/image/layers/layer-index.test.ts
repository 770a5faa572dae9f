// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { Entry } from '../../../../../src/main/image/tree/entry'
import {
  LayerIndexWriter,
  readLayerIndex,
  readLayerSummary,
} from '../../../../../src/main/image/layers/layer-index'

const folder = mkdtempSync(join(tmpdir(), 'layer-index-'))
afterAll(() => rmSync(folder, { recursive: true }))

const base: Entry = {
  path: 'f',
  type: 'file',
  mode: 0o644,
  uid: 0,
  gid: 0,
  mtime: 0,
  mtimeNs: 0,
  size: 0,
  offset: 0,
  target: '',
  major: 0,
  minor: 0,
  xattrs: new Map(),
}
const binary = new Map([
  ['security.capability', Buffer.from([0, 0x80, 0xff])],
  ['user.empty', Buffer.alloc(0)],
])
const entries: Entry[] = [
  { ...base, path: '', type: 'directory', mode: 0o7777, uid: 4_294_967_294, gid: 7 },
  {
    ...base,
    path: 'ünï/日本/🎉',
    size: 6_000_000_000,
    offset: 4096,
    mtime: -3,
    mtimeNs: 999_999_999,
  },
  { ...base, path: 's', type: 'symlink', target: '../ä' },
  { ...base, path: 'h', type: 'hardlink', target: 'ünï/日本/🎉' },
  { ...base, path: 'c', type: 'char', major: 4095, minor: 1_048_575 },
  { ...base, path: 'x', type: 'fifo', xattrs: binary },
  { ...base, path: 'y', type: 'block', xattrs: new Map(binary) },
  { ...base, path: 'd/.wh.gone' },
  ...Array.from({ length: 1000 }, (_, i) => ({ ...base, path: `${'many/'.repeat(i % 30)}${i}` })),
]
const DATA_SIZE = 6_000_005_120

function write(name: string, list: readonly Entry[] = entries): string {
  const writer = new LayerIndexWriter()
  for (const { offset, ...entry } of list) writer.add(entry, offset)
  const path = join(folder, name)
  writeFileSync(path, Buffer.concat(writer.encode(DATA_SIZE)))
  return path
}

describe("a layer's index", () => {
  it('gives back every entry as it was', async () => {
    const index = await readLayerIndex(write('whole'))
    expect([...index.list()]).toEqual(entries)
    expect([...index.list()]).toHaveLength(entries.length)
  })

  it('tells the sums without being read', async () => {
    expect(await readLayerSummary(write('sums'))).toEqual({
      entries: entries.length,
      dataSize: DATA_SIZE,
      fileBytes: 6_000_000_000,
      hasWhiteouts: true,
    })
    const plain = await readLayerSummary(write('plain', [base]))
    expect(plain).toMatchObject({ entries: 1, hasWhiteouts: false })
  })

  it('can be empty', async () => {
    expect([...(await readLayerIndex(write('empty', []))).list()]).toEqual([])
  })

  it('keeps equal attributes once', () => {
    const large = new Map([['user.a', Buffer.alloc(60_000, 1)]])
    const path = write(
      'equal',
      Array.from({ length: 100 }, () => ({ ...base, xattrs: large })),
    )
    expect(readFileSync(path).length).toBeLessThan(80_000)
  })

  it('is refused when any byte of it is another one', async () => {
    const path = write('flipped', [entries[2]!, entries[5]!])
    const good = readFileSync(path)
    for (let at = 0; at < good.length; at++) {
      const bad = Buffer.from(good)
      bad[at]! ^= 0x01
      writeFileSync(path, bad)
      await expect(readLayerIndex(path), `byte ${at}`).rejects.toMatchObject({
        code: expect.stringMatching(/^STATE_(CORRUPT|VERSION)$/) as string,
      })
    }
  })

  it('is refused when it is cut short, empty, or longer than it says', async () => {
    const path = write('short')
    const good = readFileSync(path)
    for (const bad of [
      good.subarray(0, -1),
      good.subarray(0, 40),
      Buffer.alloc(0),
      Buffer.concat([good, good]),
    ]) {
      writeFileSync(path, bad)
      await expect(readLayerIndex(path)).rejects.toMatchObject({ code: 'STATE_CORRUPT' })
      await expect(readLayerSummary(path)).rejects.toMatchObject({ code: 'STATE_CORRUPT' })
    }
  })

  it('of a newer version is not taken for damaged', async () => {
    const path = write('newer')
    const bytes = readFileSync(path)
    bytes.writeUInt32LE(99, 8)
    writeFileSync(path, bytes)
    await expect(readLayerSummary(path)).rejects.toMatchObject({ code: 'STATE_VERSION' })
  })
})
