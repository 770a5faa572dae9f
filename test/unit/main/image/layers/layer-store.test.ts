// SPDX-License-Identifier: Apache-2.0
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { ingestLayer } from '../../../../../src/main/image/layers/layer-ingest'
import { newTotals } from '../../../../../src/main/image/layers/image-totals'
import {
  LAYERS_AT_A_TIME,
  LayerStore,
  type LayerRequest,
} from '../../../../../src/main/image/layers/layer-store'
import type { IngestLayer } from '../../../../../src/main/image/layers/layer-thread'
import { dataPaths } from '../../../../../src/main/lib/data-paths'
import { silentLogger } from '../../../../../src/main/lib/logger'
import { layerOf, sha256, tarOf } from '../support/tar-bytes'

const root = mkdtempSync(join(tmpdir(), 'layer-store-'))
afterAll(() => rmSync(root, { recursive: true }))
let paths: ReturnType<typeof dataPaths>['images']
let turn = 0
beforeEach(() => {
  paths = dataPaths(join(root, String(turn++))).images
})

const tar = tarOf({ name: 'a', data: 'content' }, { name: 'b' })
const { blob, digest, diffId } = layerOf(tar)

function request(content = blob): LayerRequest {
  const path = join(root, `${turn}.blob`)
  writeFileSync(path, content)
  return { diffId, digest, source: { kind: 'file', path, offset: 0, size: content.length } }
}
function storeWith(ingest: IngestLayer = ingestLayer) {
  const warn = vi.fn()
  const spied = vi.fn(ingest)
  return {
    store: new LayerStore({ paths, logger: { ...silentLogger, warn }, ingest: spied }),
    ingest: spied,
    warn,
  }
}
const options = (signal?: AbortSignal) => ({
  totals: newTotals(),
  ...(signal ? { signal } : {}),
})
const names = (): string[] => readdirSync(paths.layers).toSorted()
const hex = diffId.slice(7)
const whole = [`${hex}.data`, `${hex}.frame`, `${hex}.index`]

describe('the layer store', () => {
  it('takes a layer in once and has it ever after', async () => {
    const { store, ingest } = storeWith()
    const first = await store.ensure(request(), options())
    expect(await store.ensure(request(), options())).toEqual(first)
    expect(await storeWith().store.find(diffId)).toEqual(first)
    expect(ingest).toHaveBeenCalledOnce()
    expect(names()).toEqual(whole)
    expect([...(await store.index(diffId)).list()].map(({ path }) => path)).toEqual(['a', 'b'])
    expect(first).toMatchObject({ dataSize: 4096, entries: 2, fileBytes: 7 })
    expect(await store.list()).toEqual([diffId])
    for (const name of whole) expect(statSync(join(paths.layers, name)).mode & 0o777).toBe(0o600)
  })

  it('shares the work of two who want the same layer at once', async () => {
    const { store, ingest } = storeWith()
    const [one, two] = await Promise.all([1, 2].map(() => store.ensure(request(), options())))
    expect(one).toEqual(two)
    expect(ingest).toHaveBeenCalledOnce()
  })

  it('keeps the first copy when another process stores the same layer meanwhile', async () => {
    const request1 = request()
    const { store } = storeWith(async (job, ingestOptions) => {
      const summary = await ingestLayer(job, ingestOptions)
      await storeWith().store.ensure(request1, options())
      return summary
    })
    const before = new Promise<number>((resolve) => {
      const wait = setInterval(() => {
        if (!existsSync(join(paths.layers, whole[2]!))) return
        clearInterval(wait)
        resolve(statSync(join(paths.layers, whole[0]!)).ino)
      }, 1)
    })
    await store.ensure(request1, options())
    expect(statSync(join(paths.layers, whole[0]!)).ino).toBe(await before)
    expect(names()).toEqual(whole)
  })

  it.each([
    ['a wrong digest', layerOf(tarOf({ name: 'evil' })).blob, 'DIGEST_MISMATCH'],
    ['a damaged blob', blob.subarray(0, -10), 'IMAGE_INVALID'],
  ])('keeps nothing of %s', async (_what, content, code) => {
    const { store } = storeWith()
    await expect(store.ensure(request(content), options())).rejects.toMatchObject({ code })
    expect(names()).toEqual([])
    expect(await store.find(diffId)).toBeUndefined()
  })

  it('keeps nothing when cancelled', async () => {
    const cancelling = new AbortController()
    const { store } = storeWith(async (job, ingestOptions) => {
      const summary = await ingestLayer(job, ingestOptions)
      const stopped = new Promise((resolve) =>
        ingestOptions.signal.addEventListener('abort', resolve),
      )
      cancelling.abort()
      await stopped
      return summary
    })
    await expect(store.ensure(request(), options(cancelling.signal))).rejects.toMatchObject({
      name: 'AbortError',
    })
    expect(names()).toEqual([])
  })

  it('takes in as many at a time as there are processors, but two to four', async () => {
    let running = 0
    let most = 0
    const { store } = storeWith(async () => {
      most = Math.max(most, ++running)
      await new Promise((resolve) => setTimeout(resolve, 5))
      running--
      throw new Error('enough')
    })
    const many = Array.from({ length: 9 }, (_, i) => layerOf(tarOf({ name: `f${i}` })))
    await Promise.allSettled(
      many.map((layer) => store.ensure({ ...request(), diffId: layer.diffId }, options())),
    )
    expect(most).toBe(LAYERS_AT_A_TIME)
    expect(most).toBeGreaterThanOrEqual(2)
    expect(most).toBeLessThanOrEqual(4)
  })

  it('tells of a full disk with what was needed, and cleans up', async () => {
    const { store } = storeWith(async (job) => {
      writeFileSync(job.dataPath, 'half')
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
    })
    await expect(store.ensure(request(), options())).rejects.toMatchObject({
      code: 'DISK_FULL',
      message: expect.stringMatching(/takes (?:about|more than) .*\d+ [KM]iB/) as string,
    })
    expect(names()).toEqual([])
  })

  it.each<[string, (data: string, index: string) => void]>([
    ['a data file that is too short', (data) => truncateSync(data, 100)],
    ['an index that is no index', (_, index) => writeFileSync(index, 'garbage')],
    ['an index that is empty', (_, index) => writeFileSync(index, '')],
  ])('sets %s aside, says so, and takes the layer in again', async (_what, damage) => {
    const { store, warn } = storeWith()
    await store.ensure(request(), options())
    damage(join(paths.layers, whole[0]!), join(paths.layers, whole[2]!))
    expect(await store.find(diffId)).toBeUndefined()
    expect(warn).toHaveBeenCalledOnce()
    expect(names()).toEqual(whole.map((name) => `${name}.corrupt`))
    await store.ensure(request(), options())
    expect(names()).toEqual(whole.flatMap((name) => [name, `${name}.corrupt`]).toSorted())
  })

  it('sets a layer aside whose index has a wrong byte when it is read', async () => {
    const { store } = storeWith()
    await store.ensure(request(), options())
    const index = join(paths.layers, whole[2]!)
    const bytes = readFileSync(index)
    bytes[bytes.length - 1]! ^= 1
    writeFileSync(index, bytes)
    await expect(store.index(diffId)).rejects.toMatchObject({ code: 'STATE_CORRUPT' })
    expect(await store.find(diffId)).toBeUndefined()
  })

  it('takes a data file without an index for nothing', async () => {
    const { store } = storeWith()
    mkdirSync(paths.layers, { recursive: true })
    writeFileSync(join(paths.layers, whole[0]!), 'left by a crash between the two renames')
    expect(await store.find(diffId)).toBeUndefined()
    await store.ensure(request(), options())
    expect(readFileSync(join(paths.layers, whole[0]!)).toString('latin1', 0, 7)).toBe('content')
  })

  it('removes what killed writers have left before it writes, but nothing while another writes', async () => {
    mkdirSync(paths.layers, { recursive: true })
    const dead = join(paths.layers, 'dead.tmp')
    writeFileSync(dead, 'left by a process that was killed')
    const { store } = storeWith(async (job, ingestOptions) => {
      expect(existsSync(dead)).toBe(false)
      const summary = await ingestLayer(job, ingestOptions)
      const another = layerOf(tarOf({ name: 'another' }))
      await storeWith().store.ensure({ ...request(another.blob), ...another }, options())
      // What the one that is still writing has made so far.
      expect(existsSync(job.dataPath)).toBe(true)
      return summary
    })
    await store.ensure(request(), options())
    expect(names().filter((name) => name.endsWith('.tmp'))).toEqual([])
  })

  it('counts a layer once though it came damaged the first time', async () => {
    const { store } = storeWith()
    const { totals } = options()
    const half = { ...request(), digest: sha256(Buffer.from('another')) }
    await expect(store.ensure(half, { totals })).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' })
    expect([...new BigInt64Array(totals)]).toEqual([0n, 0n, 0n, 0n])
    await store.ensure(request(), { totals })
    expect([...new BigInt64Array(totals)]).toEqual([7n, BigInt(tar.length), 2n, 2n])
  })

  it('removes a layer', async () => {
    const { store } = storeWith()
    await store.ensure(request(), options())
    expect(await store.sizeOnDisk(diffId)).toBeGreaterThan(4096)
    await store.remove(diffId)
    expect(names()).toEqual([])
  })
})
