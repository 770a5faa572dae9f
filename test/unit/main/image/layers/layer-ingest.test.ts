// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import type { Entry } from '../../../../../src/main/image/tree/entry'
import { ingestLayer, type LayerJob } from '../../../../../src/main/image/layers/layer-ingest'
import { ImageTotals, newTotals } from '../../../../../src/main/image/layers/image-totals'
import { readLayerIndex } from '../../../../../src/main/image/layers/layer-index'
import { layerOf, memberBytes, END, sha256, tarOf } from '../support/tar-bytes'

const root = mkdtempSync(join(tmpdir(), 'layer-ingest-'))
afterAll(() => rmSync(root, { recursive: true }))
let turn = 0
let folder: string
beforeEach(() => {
  folder = join(root, String(turn++))
})

function jobOf(
  tar: Buffer,
  changes: Partial<LayerJob> = {},
  blob: Buffer = gzipSync(tar),
): LayerJob {
  const path = `${folder}.blob`
  writeFileSync(path, blob)
  return {
    source: { kind: 'file', path, offset: 0, size: blob.length },
    digest: sha256(blob),
    diffId: sha256(tar),
    dataPath: `${folder}.data`,
    indexPath: `${folder}.index`,
    framePath: `${folder}.frame`,
    totals: newTotals(),
    ...changes,
  }
}
const run = (job: LayerJob, signal = new AbortController().signal) => ingestLayer(job, { signal })

async function stored(job: LayerJob): Promise<Map<string, Entry & { content: string }>> {
  const data = readFileSync(job.dataPath)
  const { list } = await readLayerIndex(job.indexPath)
  return new Map(
    [...list()].map((entry) => {
      const content = data.toString('latin1', entry.offset, entry.offset + entry.size)
      return [entry.path, { ...entry, content }]
    }),
  )
}

const members = [
  { name: 'd/', flag: '5' },
  { name: 'd/a', data: 'first' },
  { name: 'empty' },
  { name: 'large', data: Buffer.alloc(6_000_001, 'L') },
  { name: '.wh.gone', data: 'a whiteout with content' },
  { name: 'last', data: 'z', mode: 0o4755 },
]

describe('taking a layer in', () => {
  it.each([
    ['gzipped', true],
    ['plain', false],
  ])(
    'stores what a %s tar has: contents aligned, the rest in the index',
    async (_kind, compress) => {
      const tar = tarOf(...members)
      const job = jobOf(
        tar,
        compress ? {} : { digest: sha256(tar) },
        compress ? gzipSync(tar) : tar,
      )
      const summary = await run(job)
      expect(summary).toEqual({
        entries: 6,
        fileBytes: 5 + 6_000_001 + 1,
        dataSize: readFileSync(job.dataPath).length,
        hasWhiteouts: true,
      })
      const found = await stored(job)
      expect([...found.keys()]).toEqual(['d', 'd/a', 'empty', 'large', '.wh.gone', 'last'])
      expect(found.get('d/a')).toMatchObject({ content: 'first', offset: 0 })
      expect(found.get('large')!.content).toBe('L'.repeat(6_000_001))
      expect(found.get('last')).toMatchObject({ content: 'z', mode: 0o4755 })
      expect(found.get('.wh.gone')!.size).toBe(0)
      for (const { offset } of found.values()) expect(offset % 4096).toBe(0)
    },
  )

  it('reads a part of a file, as a layer lies in an archive', async () => {
    const tar = tarOf(...members)
    const job = jobOf(tar, {}, Buffer.concat([Buffer.alloc(777, 'x'), tar, Buffer.alloc(99, 'y')]))
    const source = { ...job.source, offset: 777, size: tar.length } as LayerJob['source']
    const { digest: _none, ...unnamed } = job
    await run({ ...unnamed, source })
    expect((await stored(job)).get('last')!.content).toBe('z')
  })

  it('counts what follows the end of the archive to its digest', async () => {
    const tar = Buffer.concat([tarOf({ name: 'a' }), Buffer.alloc(9000, 'padding')])
    await run(jobOf(tar))
  })

  it('takes an empty layer', async () => {
    for (const tar of [Buffer.alloc(0), END]) {
      folder = join(root, String(turn++))
      expect(await run(jobOf(tar))).toEqual({
        entries: 0,
        fileBytes: 0,
        dataSize: 0,
        hasWhiteouts: false,
      })
    }
  })

  it('refuses a blob or a tar of another digest', async () => {
    const tar = tarOf(...members)
    const other = sha256(Buffer.from('other'))
    await expect(run(jobOf(tar, { digest: other }))).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
    })
    folder = join(root, String(turn++))
    await expect(run(jobOf(tar, { diffId: other }))).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
    })
    expect(existsSync(`${folder}.index`)).toBe(false)
  })

  it('refuses a tar that is cut short, though its digest fits', async () => {
    const tar = memberBytes({ name: 'a', data: 'x'.repeat(2000) }).subarray(0, 1500)
    await expect(run(jobOf(tar))).rejects.toMatchObject({ code: 'IMAGE_INVALID' })
  })

  it('refuses more than 30 GiB over all layers at the header of the file that is too much', async () => {
    const gib = 1024 ** 3
    const big = (size: number): Buffer =>
      memberBytes({ name: 'huge', pax: { size: String(size) }, data: 'only the beginning' })
    await expect(run(jobOf(big(31 * gib)))).rejects.toMatchObject({ code: 'IMAGE_TOO_LARGE' })
    folder = join(root, String(turn++))
    const totals = newTotals()
    new ImageTotals(totals).add('fileBytes', 30 * gib - 3)
    const { blob, digest, diffId } = layerOf(tarOf({ name: 'a', data: '1234' }))
    await expect(
      run(jobOf(Buffer.alloc(0), { totals, digest, diffId }, blob)),
    ).rejects.toMatchObject({
      code: 'IMAGE_TOO_LARGE',
    })
  })

  it('stops when it is told to', async () => {
    const cancelling = new AbortController()
    const job = jobOf(tarOf({ name: 'a', data: Buffer.alloc(8_000_000, 'r') }))
    const failed = ingestLayer(job, {
      signal: cancelling.signal,
      onBytes: () => cancelling.abort(),
    })
    await expect(failed).rejects.toMatchObject({ name: 'AbortError' })
  })

  it('never writes over a file', async () => {
    const job = jobOf(tarOf({ name: 'a' }))
    writeFileSync(job.dataPath, 'precious')
    await expect(run(job)).rejects.toMatchObject({ code: 'EEXIST' })
    expect(readFileSync(job.dataPath, 'utf8')).toBe('precious')
  })
})
