// SPDX-License-Identifier: Apache-2.0
// Images made to exhaust: small archives of much, of many, of what takes long. What they may come to is
// bounded, over all layers; up to the bound they work.
import { createHash } from 'node:crypto'
import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, describe, expect, it } from 'vitest'
import { ingestLayer, type LayerJob } from '../../../../src/main/image/layers/layer-ingest'
import { ImageTotals, newTotals } from '../../../../src/main/image/layers/image-totals'
import {
  LayerIndexWriter,
  readLayerIndex,
  type LayerSummary,
} from '../../../../src/main/image/layers/layer-index'
import {
  MAX_IMAGE_ENTRIES,
  MAX_IMAGE_FILE_BYTES,
  MAX_IMAGE_NAME_BYTES,
  MAX_IMAGE_TAR_BYTES,
  MAX_LAYER_ENTRIES,
} from '../../../../src/main/image/limits'
import { TreeBuilder } from '../../../../src/main/image/tree/tree-builder'
import { useHostileStore } from './support/hostile-image'
import { dir, file, layer, link, listTree } from './support/make-tree'
import { END, headerBlock, memberBytes, sha256, tarOf } from './support/tar-bytes'

const { outcomeOf, takeIn } = useHostileStore()
const root = mkdtempSync(join(tmpdir(), 'hostile-bombs-'))
afterAll(() => rmSync(root, { recursive: true }))
const TOO_LARGE = { code: 'IMAGE_TOO_LARGE' }
const GIB = 1024 ** 3
let turn = 0

/** Takes a blob in as a layer; its digests are only looked at when it has been read. */
async function ingest(
  path: string,
  totals = newTotals(),
  diffId = sha256(END),
): Promise<LayerSummary> {
  const stem = join(root, String(turn++))
  const job: LayerJob = {
    source: { kind: 'file', path, offset: 0, size: statSync(path).size },
    diffId,
    dataPath: `${stem}.data`,
    indexPath: `${stem}.index`,
    framePath: `${stem}.frame`,
    totals,
  }
  return ingestLayer(job, { signal: new AbortController().signal })
}

function fileOf(...pieces: Iterable<Buffer>[]): string {
  const path = join(root, `${turn++}.blob`)
  const fd = openSync(path, 'wx')
  for (const piece of pieces) for (const bytes of piece) writeSync(fd, bytes)
  closeSync(fd)
  return path
}

/** Headers of so many empty files, in gzip members of ten thousand. */
function* manyEntries(count: number, tell: (headers: Buffer) => void): Generator<Buffer> {
  const AT_A_TIME = 10_000
  for (let at = 0; at < count; at += AT_A_TIME) {
    const wanted = Math.min(AT_A_TIME, count - at)
    const headers = Buffer.concat(Array.from({ length: wanted }, (_, i) => numbered(at + i)))
    tell(headers)
    yield gzipSync(headers, { level: 1 })
  }
}

const template = headerBlock(file('0000000'), 0)
const zero = '0'.charCodeAt(0)
const templateSum = Number.parseInt(template.toString('latin1', 148, 154), 8)

/** The template with another name, its checksum corrected. */
function numbered(number: number): Buffer {
  const block = Buffer.from(template)
  block.write(String(number).padStart(7, '0'), 0, 'latin1')
  let sum = templateSum
  for (let i = 0; i < 7; i++) sum += block[i]! - zero
  block.write(sum.toString(8).padStart(6, '0'), 148, 'latin1')
  return block
}

describe('a layer of a million entries', () => {
  it('is taken in, and one more is refused', async () => {
    const hash = createHash('sha256')
    const path = fileOf(manyEntries(MAX_LAYER_ENTRIES, (headers) => hash.update(headers)))
    const summary = await ingest(path, newTotals(), `sha256:${hash.digest('hex')}`)
    expect(summary.entries).toBe(MAX_LAYER_ENTRIES)
    const writer = new LayerIndexWriter()
    const [entry] = layer(1, [file('f')]).list()
    for (let i = 0; i < MAX_LAYER_ENTRIES; i++) writer.add(entry!, 0)
    expect(() => writer.add(entry!, 0)).toThrow(
      expect.objectContaining({
        ...TOO_LARGE,
        message: expect.stringContaining('1,000,000 entries') as string,
      }),
    )
  }, 120_000)
})

describe('what all layers of an image come to', () => {
  it.each([
    ['fileBytes', MAX_IMAGE_FILE_BYTES],
    ['tarBytes', MAX_IMAGE_TAR_BYTES],
    ['entries', MAX_IMAGE_ENTRIES],
    ['nameBytes', MAX_IMAGE_NAME_BYTES],
  ] as const)('is bounded in %s', (kind, max) => {
    const shared = newTotals()
    const [one, two] = [new ImageTotals(shared), new ImageTotals(shared)]
    one.add(kind, max - 1)
    two.add(kind, 1)
    expect(() => two.add(kind, 1)).toThrow(expect.objectContaining(TOO_LARGE))
    two.takeBack()
    one.takeBack()
    two.add(kind, max)
  })

  it('is counted while they are read', async () => {
    const tar = tarOf(file('a', 'x'.repeat(100)), file('b'))
    const path = fileOf([tar])
    const almost = { fileBytes: 99, tarBytes: tar.length - 1, entries: 1, nameBytes: 1 } as const
    const max = {
      fileBytes: MAX_IMAGE_FILE_BYTES,
      tarBytes: MAX_IMAGE_TAR_BYTES,
      entries: MAX_IMAGE_ENTRIES,
      nameBytes: MAX_IMAGE_NAME_BYTES,
    }
    for (const kind of ['fileBytes', 'tarBytes', 'entries', 'nameBytes'] as const) {
      const totals = newTotals()
      new ImageTotals(totals).add(kind, max[kind] - almost[kind])
      await expect(ingest(path, totals, sha256(tar)), kind).rejects.toMatchObject(TOO_LARGE)
      const room = newTotals()
      new ImageTotals(room).add(kind, max[kind] - almost[kind] - 1)
      await ingest(path, room, sha256(tar))
    }
  })
})

describe('a file that is much larger than its archive', () => {
  it('is refused at its header, before a byte of it', async () => {
    const size = String(31 * GIB)
    const huge = memberBytes({ name: 'zeros', pax: { size } })
    const path = fileOf([gzipSync(Buffer.concat([huge, Buffer.alloc(1024 * 1024)]))])
    await expect(ingest(path)).rejects.toMatchObject(TOO_LARGE)
  })

  it('takes no room where it is zeros', async () => {
    const zeros = gzipSync(Buffer.alloc(64 * 1024 * 1024))
    const header = memberBytes({ name: 'zeros', pax: { size: String(64 * 1024 * 1024) } })
    const tarDigest = sha256(Buffer.concat([header, Buffer.alloc(64 * 1024 * 1024), END]))
    const path = fileOf([gzipSync(header), zeros, gzipSync(END)])
    const summary = await ingest(path, newTotals(), tarDigest)
    expect(summary.fileBytes).toBe(64 * 1024 * 1024)
    const data = statSync(join(root, `${turn - 1}.data`))
    expect(data.size).toBe(64 * 1024 * 1024)
    expect(data.blocks * 512).toBeLessThan(1024 * 1024)
  })
})

describe('a compressed stream', () => {
  it('of ten thousand gzip members is one archive', async () => {
    const tar = tarOf(...Array.from({ length: 500 }, (_, i) => file(`f${i}`, 'x')))
    const members: Buffer[] = []
    for (let at = 0; at < tar.length; at += 50) members.push(gzipSync(tar.subarray(at, at + 50)))
    expect(members.length).toBeGreaterThan(10_000)
    const { entries } = await ingest(fileOf(members), newTotals(), sha256(tar))
    expect(entries).toBe(500)
    const { list } = await readLayerIndex(join(root, `${turn - 1}.index`))
    expect([...list()].at(-1)?.path).toBe('f499')
  })

  it('of gzip members of nothing comes to its end', async () => {
    const nothing = gzipSync(Buffer.alloc(0))
    const path = fileOf(
      Array.from({ length: 20_000 }, () => nothing),
      [gzipSync(END)],
    )
    expect((await ingest(path)).entries).toBe(0)
  })

  it('in another one is not unpacked twice', async () => {
    const path = fileOf([gzipSync(gzipSync(tarOf(file('f'))))])
    await expect(ingest(path)).rejects.toMatchObject({ code: 'IMAGE_INVALID' })
  })
})

describe('a tree', () => {
  it('of a thousand layers is built', async () => {
    const layers = Array.from({ length: 1000 }, (_, i) => [file(`f${i % 10}`, 'x'.repeat(i % 10))])
    expect(listTree(await takeIn(layers))).toEqual(
      Array.from({ length: 10 }, (_, i) => `f${i}=${i}`),
    )
    expect(await outcomeOf([...layers, [file('one more')]])).toBe('IMAGE_INVALID')
  }, 120_000)

  it('as deep as a path can name is built, and none deeper', async () => {
    const deep = Array.from({ length: 2047 }, () => 'd').join('/')
    expect(listTree(await takeIn([[{ ...dir('x'), pax: { path: deep } }]]))).toHaveLength(2047)
    const beyond = [link('l', ''), file('x')]
    beyond[0] = { ...link('l', ''), pax: { linkpath: `/${deep}` } }
    beyond[1] = { ...file('x'), pax: { path: `l/${deep}` } }
    expect(await outcomeOf([beyond])).toBe('IMAGE_INVALID')
  })

  it('with whiteouts that look at the same files over and over is refused', () => {
    const builder = new TreeBuilder()
    builder.beginLayer(0, false)
    for (const entry of layer(1, [file('d/lower')]).list()) builder.apply(entry)
    builder.beginLayer(1, true)
    const [own] = layer(2, [file('d/x')]).list()
    for (let i = 0; i < 5000; i++) builder.apply({ ...own!, path: `d/${i}` })
    const [whiteout] = layer(2, [file('.wh.d')]).list()
    const bomb = (): void => {
      for (let i = 0; i < 1_000_000; i++) builder.apply(whiteout!)
    }
    expect(bomb).toThrow(expect.objectContaining({ code: 'IMAGE_INVALID' }))
  })

  it('with links that lead through links over and over is refused', () => {
    const builder = new TreeBuilder()
    builder.beginLayer(0, false)
    const target = './'.repeat(2000)
    const members = [{ ...link('l0', 'x'), pax: { linkpath: `${target}l1` } }]
    for (let i = 1; i < 40; i++)
      members.push({
        ...link(`l${i}`, 'x'),
        pax: { linkpath: i === 39 ? '.' : `${target}l${i + 1}` },
      })
    for (const entry of layer(1, members).list()) builder.apply(entry)
    const [through] = layer(1, [file('l0/f')]).list()
    const [aside] = layer(1, [file('aside/f')]).list()
    const bomb = (): void => {
      // Another folder in between, so that the way is gone anew.
      for (let i = 0; i < 1000; i++) for (const entry of [through!, aside!]) builder.apply(entry)
    }
    expect(bomb).toThrow(expect.objectContaining({ code: 'IMAGE_INVALID' }))
  })
})
