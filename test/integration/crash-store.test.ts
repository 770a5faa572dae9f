// SPDX-License-Identifier: Apache-2.0
// The image store's processes are killed, as by kill -9: before every single change of a file that a piece of
// work makes, and at every answer of a registry that it waits for. Whatever was under way, what the
// store shows afterwards is whole, the same work succeeds, and nothing is left of the dead process.
import { spawn, type ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createImageStore, type ImageStore } from '../../src/main/image/image-store'
import { ingestLayer } from '../../src/main/image/layers/layer-ingest'
import { dataPaths } from '../../src/main/lib/data-paths'
import { silentLogger } from '../../src/main/lib/logger'
import { ensureImageDisk, findImageDisk } from '../../src/main/rootfs/image-disk'
import { NOW, type StoreJob, type Work } from '../support/store-job'
import { bundleStoreProcess } from '../support/store-process-bundle'
import { layoutFiles, makeImage, tarOfFiles } from '../unit/main/image/support/make-image'
import { listTree } from '../unit/main/image/support/make-tree'
import {
  Repository,
  startServer,
  type ScriptedServer,
} from '../unit/main/image/support/scripted-registry'
import { sha256 } from '../unit/main/image/support/tar-bytes'

const AT_A_TIME = 2
const preload = resolve(import.meta.dirname, '../support/crash-at.mjs')
const base = [{ name: 'etc/base', data: 'b'.repeat(9000) }]
const image = makeImage([base, [{ name: '.wh.gone' }, { name: 'app', data: 'app' }]])
const small = makeImage([base])
const wholeTrees = new Map([
  [image.manifest.digest, ['app=3', 'etc/', 'etc/base=9000']],
  [small.manifest.digest, ['etc/', 'etc/base=9000']],
])
const DISK = 'd'.repeat(64)

let dir: string
let script: string
let server: ScriptedServer
let repository: Repository
let pulled: string
let archive: string
let turn = 0

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'crash-store-'))
  script = await bundleStoreProcess(dir)
  repository = new Repository()
  for (const [tag, { blobs, manifest }] of Object.entries({ v1: image, small })) {
    for (const bytes of blobs.values()) repository.add(bytes)
    repository.add(blobs.get(manifest.digest)!, manifest.mediaType, tag)
  }
  server = await startServer(repository.answer)
  pulled = `${server.host}/acme/app:small`
  archive = join(dir, 'archive.tar.gz')
  writeFileSync(archive, gzipSync(tarOfFiles(layoutFiles([{ image: small }]))))
})
afterAll(async () => {
  await server.close()
  await rm(dir, { recursive: true })
})

const freshDir = (): string => join(dir, `data-${turn++}`)
const pathsOf = (dataDir: string) => dataPaths(dataDir).images

function storeOf(dataDir: string): ImageStore {
  return createImageStore({
    paths: pathsOf(dataDir),
    starterLayout: undefined,
    logger: silentLogger,
    arch: 'x64',
    ingest: ingestLayer,
    now: () => NOW,
  })
}

function start(job: StoreJob, crashAt = 0): ChildProcess {
  return spawn(process.execPath, ['--import', preload, script, JSON.stringify(job)], {
    env: { ...process.env, CRASH_AT: String(crashAt) },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
}

/** @returns whether it was killed before it was done */
async function runKilledAt(job: StoreJob, crashAt: number): Promise<boolean> {
  const child = start(job, crashAt)
  const errors = child.stderr!.setEncoding('utf8').toArray()
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null]
  if (signal === 'SIGKILL') return true
  expect(code, (await errors).join('')).toBe(0)
  return false
}

/** Every file of the store but its locks, with a digest of what is in it. */
function snapshot(dataDir: string): Record<string, string> {
  const { root } = pathsOf(dataDir)
  const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter(
    (entry) => !entry.isDirectory() && !['lock', 'writers', '.lock'].includes(entry.name),
  )
  return Object.fromEntries(
    files
      .map(({ parentPath, name }) => join(parentPath, name))
      .toSorted()
      .map((path) => [
        relative(root, path),
        createHash('sha256').update(readFileSync(path)).digest('hex'),
      ]),
  )
}

/** Whatever it shows is whole. */
async function expectWhole(store: ImageStore): Promise<void> {
  for (const { digest, reference } of await store.list()) {
    const found = await store.find(reference)
    expect(found, `${reference} is shown, but is not there`).toBeDefined()
    expect(listTree(await store.tree(found!))).toEqual(wholeTrees.get(digest))
  }
}

interface Scenario {
  readonly work: Work
  /** What is there before. */
  readonly before?: (store: ImageStore, dataDir: string) => Promise<unknown>
  /** Does the work again, as far as it is needed. */
  readonly again: (store: ImageStore, dataDir: string) => Promise<unknown>
}

/** Kills the work at its first change, its second, and so on until it gets to its end. @returns how many */
async function killEverywhere({ work, before, again }: Scenario): Promise<number> {
  const start = freshDir()
  mkdirSync(pathsOf(start).root, { recursive: true, mode: 0o700 })
  await before?.(storeOf(start), start)
  const undisturbed = freshDir()
  cpSync(start, undisturbed, { recursive: true })
  expect(await runKilledAt({ dataDir: undisturbed, work }, 0)).toBe(false)
  await storeOf(undisturbed).prune({})
  const expected = snapshot(undisturbed)

  let points = 0
  let ended = false
  const worker = async (): Promise<void> => {
    while (!ended) {
      const at = ++points
      const dataDir = freshDir()
      cpSync(start, dataDir, { recursive: true })
      const killed = await runKilledAt({ dataDir, work }, at)
      ended ||= !killed
      const store = storeOf(dataDir)
      await expectWhole(store)
      await again(store, dataDir)
      await expectWhole(store)
      await store.prune({})
      expect(snapshot(dataDir), `after a kill at change ${at}`).toEqual(expected)
      await rm(dataDir, { recursive: true })
    }
  }
  await Promise.all(Array.from({ length: AT_A_TIME }, worker))
  return points - AT_A_TIME
}

const NAME = 'app:1'
const IMPORTED = 'docker.io/library/app:1'
const importIt = (store: ImageStore) => store.importPath(archive, { reference: NAME })

describe('a process that is killed at any change of a file', () => {
  it('while it pulls', async () => {
    const again = (store: ImageStore) => store.pull(pulled, {})
    const points = await killEverywhere({ work: { kind: 'pull', reference: pulled }, again })
    // A layer of three files, config, manifest, reference: each made, written, renamed.
    expect(points).toBeGreaterThan(25)
  }, 300_000)

  it('while it imports an archive that comes as a stream', async () => {
    const work = { kind: 'importStream', path: archive, reference: IMPORTED } as const
    expect(await killEverywhere({ work, again: importIt })).toBeGreaterThan(30)
  }, 300_000)

  it('while it gives an image one more name', async () => {
    const points = await killEverywhere({
      work: { kind: 'tag', reference: NAME, name: 'second' },
      before: importIt,
      again: (store) => store.tag(NAME, 'second'),
    })
    expect(points).toBeGreaterThan(3)
  })

  it('while it makes a disk', async () => {
    const points = await killEverywhere({
      work: { kind: 'disk', reference: NAME, key: DISK },
      before: importIt,
      again: async (store, dataDir) => {
        const { disks } = pathsOf(dataDir)
        const found = await findImageDisk(disks, DISK)
        if (found !== undefined) expect(readdirSync(disks)).toContain(DISK)
        await makeDisk(store, dataDir)
      },
    })
    expect(points).toBeGreaterThan(5)
  })

  it.each<[string, Work]>([
    ['removes an image that a disk is made of', { kind: 'remove', reference: NAME }],
    ['prunes it', { kind: 'prune' }],
  ])('while it %s', async (_what, work) => {
    const points = await killEverywhere({
      work,
      before: async (store, dataDir) => {
        await importIt(store)
        await makeDisk(store, dataDir)
      },
      again: async (store) => {
        for (const { reference } of await store.list()) await store.remove(reference)
      },
    })
    // The name, manifest, config, disk, and a layer of three files.
    expect(points).toBeGreaterThanOrEqual(7)
  })
})

describe('a process that is killed while a registry keeps it waiting', () => {
  const manifest = image.blobs.get(image.manifest.digest)!.toString()
  const [layer] = (JSON.parse(manifest) as { layers: { digest: string }[] }).layers
  const held: Record<string, (url: string) => boolean> = {
    'for a token': (url) => url.startsWith('/token'),
    'for the manifest': (url) => url.endsWith('/manifests/v1'),
    'for the config': (url) => url.endsWith(`/blobs/${sha256(image.config)}`),
    'for a blob, in the middle': (url) => url.endsWith(`/blobs/${layer!.digest}`),
  }

  it.each(Object.entries(held))('%s', async (what, isHeld) => {
    const dataDir = freshDir()
    let isReached: () => void = () => undefined
    const reached = new Promise<void>((resolve) => (isReached = resolve))
    let holds = true
    const guarded = await startServer((request, response) => {
      const url = request.url!
      if (holds && isHeld(url)) {
        if (what.endsWith('middle'))
          response.writeHead(200).write(image.blobs.get(layer!.digest)!.subarray(0, 40))
        isReached()
      } else if (url.startsWith('/token')) response.end('{"token":"valid"}')
      else if (request.headers.authorization === 'Bearer valid')
        repository.answer(request, response)
      else {
        const realm = `http://${request.headers.host}/token`
        response
          .writeHead(401, { 'www-authenticate': `Bearer realm="${realm}",service="test"` })
          .end()
      }
    })
    const reference = `${guarded.host}/acme/app:v1`
    const child = start({ dataDir, work: { kind: 'pull', reference } })
    await reached
    child.kill('SIGKILL')
    await once(child, 'exit')
    holds = false
    const store = storeOf(dataDir)
    expect(await store.list()).toEqual([])
    expect(await store.find(reference)).toBeUndefined()
    await store.pull(reference, {})
    await expectWhole(store)
    const temps = Object.keys(snapshot(dataDir)).filter((name) => /tmp|part/.test(name))
    expect(temps).toEqual([])
    await guarded.close()
  })
})

async function makeDisk(store: ImageStore, dataDir: string): Promise<void> {
  const found = (await store.find(NAME))!
  const deps = { disksDir: pathsOf(dataDir).disks, logger: silentLogger }
  await ensureImageDisk(deps, () => store.tree(found), DISK)
}
