// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Progress } from '../../../../../src/contract/images'
import {
  createDiskImages,
  type DiskImagesDeps,
} from '../../../../../src/main/image/disk/disk-images'
import { runDiskJob, type RunDiskJob } from '../../../../../src/main/image/disk/fetch-disk'
import { networkSettings } from '../../../../../src/main/image/registry/registry-network'
import { silentLogger } from '../../../../../src/main/lib/logger'
import { noise, pack } from '../support/pack'
import { serve, status } from '../support/registry-fixture'
import type { Answer, ScriptedServer } from '../support/scripted-registry'
import { sha256 } from '../support/tar-bytes'

const root = mkdtempSync(join(tmpdir(), 'disk-images-'))
afterAll(() => rmSync(root, { recursive: true }))
const disk = Buffer.concat([noise(65_536), Buffer.alloc(1_000_000), noise(512)])
const raw = Buffer.concat([disk, Buffer.alloc((512 - (disk.length % 512)) % 512)])
const packed = pack('xz', disk, '-0')
const hex = (bytes: Buffer): string => sha256(bytes).slice('sha256:'.length)

let folder: string
let server: ScriptedServer
let url: string
let now: number
const warn = vi.fn()
let count = 0
beforeEach(async () => {
  folder = join(root, String(++count))
  server = await serve(giving(packed))
  url = `${server.origin}/disk.raw.xz`
  now = 1_000_000
  warn.mockReset()
})

const giving =
  (bytes: Buffer): Answer =>
  (_request, response) =>
    void response.writeHead(200, { 'content-length': bytes.length, etag: '"v1"' }).end(bytes)

/** Another one for the same folder is what another process has. */
const imagesWith = (deps: Partial<DiskImagesDeps> = {}) =>
  createDiskImages({
    folder,
    network: networkSettings({}),
    logger: { ...silentLogger, warn },
    run: runDiskJob,
    now: () => now,
    ...deps,
  })
const names = (): string[] =>
  [folder, join(folder, 'sources')]
    .flatMap((path) => (existsSync(path) ? readdirSync(path) : []))
    .filter((name) => !name.startsWith('.') && name !== 'sources')
const rawName = `${hex(raw)}.raw`

describe('a disk image of a URL', () => {
  it('is downloaded, unpacked and kept under its own digest', async () => {
    const told: Progress[] = []
    const image = await imagesWith().ensure(url, { onProgress: (one) => told.push(one) })
    expect(image).toEqual({
      source: url,
      path: join(folder, rawName),
      digest: sha256(raw),
      sizeBytes: raw.length,
    })
    expect(readFileSync(image.path).equals(raw)).toBe(true)
    expect(statSync(image.path).mode & 0o777).toBe(0o600)
    expect(statSync(folder).mode & 0o777).toBe(0o700)
    expect(names()).toEqual(
      expect.arrayContaining([expect.stringMatching(/^[0-9a-f]{32}\.json$/), rawName]) as string[],
    )
    expect(names()).toHaveLength(2)
    expect(told.map(({ message }) => message.split(' ')[0])).toEqual(
      expect.arrayContaining(['Downloading', 'Checking', 'Unpacking']),
    )
    expect(told.at(-1)).toMatchObject({
      fraction: 1,
      transfer: { bytes: packed.length, total: packed.length },
    })
  })

  it('is asked for once, also by a process that starts later', async () => {
    await imagesWith().ensure(url, {})
    const image = await imagesWith().ensure(`${url}#x`, { sha256: hex(packed).toUpperCase() })
    expect(image.digest).toBe(sha256(raw))
    expect(server.asked).toHaveLength(1)
  })

  it('is brought once for all who ask at the same time, in however many processes', async () => {
    const [one, two] = [imagesWith(), imagesWith()]
    const all = [one.ensure(url, {}), one.ensure(url, {}), two.ensure(url, {}), two.ensure(url, {})]
    const paths = new Set((await Promise.all(all)).map(({ path }) => path))
    expect(paths.size).toBe(1)
    expect(server.asked).toHaveLength(1)
  })

  it('takes its room once, whatever URLs it has', async () => {
    const images = imagesWith()
    await images.ensure(url, {})
    server.answer = giving(pack('gzip', disk))
    await images.ensure(`${server.origin}/other.gz`, {})
    expect(names().filter((name) => name.endsWith('.raw'))).toEqual([rawName])
    const listed = await images.list()
    expect(listed.map(({ compression }) => compression)).toEqual(
      ['xz', 'gzip'].toSorted().toReversed(),
    )
    await images.remove(url)
    expect(names()).toContain(rawName)
    await images.remove(`${server.origin}/other.gz`)
    expect(names()).toEqual([])
  })

  it('with another checksum than it should have is deleted, and both are named', async () => {
    const wrong = 'a'.repeat(64)
    await expect(imagesWith().ensure(url, { sha256: wrong })).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
      message: expect.stringMatching(new RegExp(`${hex(packed)}.*${wrong}`)) as string,
    })
    expect(names()).toEqual([])
    expect(await imagesWith().list()).toEqual([])
  })

  it('is asked for again when its publisher gives another checksum', async () => {
    const images = imagesWith()
    await images.ensure(url, { sha256: hex(packed) })
    const newer = pack('gzip', noise(4096))
    server.answer = giving(newer)
    const image = await images.ensure(url, { sha256: hex(newer) })
    expect(image.digest).toBe(sha256(noise(4096)))
    expect(await images.list()).toHaveLength(1)
    expect((await images.prune({})).bytes).toBeGreaterThan(0)
    expect(names()).not.toContain(rawName)
  })

  it('of a server that has none is an error that says so', async () => {
    server.answer = status(404)
    await expect(imagesWith().ensure(url, {})).rejects.toMatchObject({
      code: 'IMAGE_NOT_FOUND',
      message: expect.stringContaining('/disk.raw.xz') as string,
    })
    expect(names()).toEqual([])
  })

  it('leaves nothing behind when it is no disk', async () => {
    server.answer = giving(pack('xz', Buffer.from('QFI\xfb'.padEnd(1024, '\0'), 'latin1')))
    await expect(imagesWith().ensure(url, {})).rejects.toMatchObject({ code: 'IMAGE_INVALID' })
    expect(names().filter((name) => !name.endsWith('.json'))).toEqual([])
  })

  it('that is cancelled keeps what has come, for the next try', async () => {
    const cancelling = new AbortController()
    server.answer = (_request, response) => {
      response.writeHead(200, { 'content-length': packed.length, etag: '"v1"' })
      response.write(packed.subarray(0, 30_000))
    }
    const ensuring = imagesWith().ensure(url, {
      signal: cancelling.signal,
      onProgress: ({ transfer }) => transfer?.bytes === 30_000 && cancelling.abort(),
    })
    await expect(ensuring).rejects.toMatchObject({ code: 'CANCELLED' })
    server.answer = (request, response) => {
      expect(request.headers.range).toBe('bytes=30000-')
      const range = `bytes 30000-${packed.length - 1}/${packed.length}`
      response.writeHead(206, { etag: '"v1"', 'content-range': range }).end(packed.subarray(30_000))
    }
    expect((await imagesWith().ensure(url, {})).digest).toBe(sha256(raw))
    expect(names()).toHaveLength(2)
  })

  it('tells of a full disk with what was needed, and cleans up', async () => {
    const run = (async (job: Parameters<RunDiskJob>[0], { onProgress }) => {
      // What is told last is not what was written last.
      onProgress?.({ step: 'downloading', bytes: 1000, total: 300 * 1024 ** 2 })
      if (job.kind === 'fetch')
        appendFileSync(job.download!.partPath, Buffer.alloc(10 * 1024 ** 2, 1))
      throw Object.assign(new Error(`ENOSPC: ${job.kind}`), { code: 'ENOSPC' })
    }) as RunDiskJob
    await expect(imagesWith({ run }).ensure(url, {})).rejects.toMatchObject({
      code: 'DISK_FULL',
      message: expect.stringMatching(/takes about 300 MiB, of which 10 MiB found room/) as string,
    })
    expect(names()).toEqual([])
  })

  it.each([
    [url, 'nonsense'],
    ['http://images.example/disk.raw', undefined],
    ['disk.raw', undefined],
  ])('is not tried with %s and the checksum %s', async (source, checksum) => {
    await expect(imagesWith().ensure(source ?? url, { sha256: checksum })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    })
    expect(server.asked).toEqual([])
  })
})

describe('a disk image that is here', () => {
  it('is read again when it was touched, and used if it is what it was', async () => {
    const run = vi.fn(runDiskJob)
    const images = imagesWith({ run: run as RunDiskJob })
    const { path } = await images.ensure(url, {})
    utimesSync(path, 1, 1)
    await images.ensure(url, {})
    expect(run.mock.calls.map(([{ kind }]) => kind)).toEqual(['fetch', 'verify'])
    await images.ensure(url, {})
    expect(run).toHaveBeenCalledTimes(2)
    expect(server.asked).toHaveLength(1)
  })

  it.each<[string, (path: string) => void]>([
    ['changed', (path) => writeFileSync(path, Buffer.concat([Buffer.of(1), raw.subarray(1)]))],
    ['shortened', (path) => writeFileSync(path, raw.subarray(0, 512))],
  ])('is set aside when it was %s, and brought again', async (_, damage) => {
    const images = imagesWith()
    const { path } = await images.ensure(url, {})
    damage(path)
    await images.ensure(url, {})
    expect(readFileSync(path).equals(raw)).toBe(true)
    expect(names()).toContain(`${rawName}.corrupt`)
    expect(warn).toHaveBeenCalledOnce()
    expect(server.asked).toHaveLength(2)
  })

  it('is brought again when its record is damaged, which is set aside', async () => {
    const images = imagesWith()
    await images.ensure(url, {})
    const record = names().find((name) => name.endsWith('.json'))!
    writeFileSync(join(folder, 'sources', record), '{"version":1}')
    expect(await images.list()).toEqual([])
    expect(names()).toContain(`${record}.corrupt`)
    await images.ensure(url, {})
    expect(server.asked).toHaveLength(2)
    expect(await images.list()).toHaveLength(1)
  })

  it('can be verified to its last byte', async () => {
    const images = imagesWith()
    const { path, digest } = await images.ensure(url, {})
    expect(await images.verify(digest.slice(0, 20))).toMatchObject({ source: url, digest })
    expect(await images.find(url)).toEqual(await images.list())
    const { atimeMs, mtimeMs } = statSync(path)
    writeFileSync(path, Buffer.concat([raw.subarray(0, -1), Buffer.of(1)]))
    utimesSync(path, atimeMs / 1000, mtimeMs / 1000)
    await expect(images.verify(url)).rejects.toMatchObject({ code: 'STATE_CORRUPT' })
    expect(names()).toContain(`${rawName}.corrupt`)
    await expect(images.verify('nothing')).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  it('is removed by source or digest', async () => {
    const images = imagesWith()
    await images.ensure(url, {})
    await images.remove(hex(raw).slice(0, 12))
    expect(names()).toEqual([])
    await images.ensure(url, {})
    await images.remove(url)
    expect(names()).toEqual([])
    await expect(images.remove(url)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })
})

describe('pruning', () => {
  it('takes what no machine needs only if asked to, and what was used lately not then', async () => {
    const images = imagesWith()
    await images.ensure(url, {})
    now += 60_000
    expect(await images.prune({})).toEqual({ disks: [], bytes: 0 })
    expect((await images.prune({ all: true, keep: new Set([url]) })).disks).toEqual([])
    expect((await images.prune({ all: true, unusedForMs: 60_001 })).disks).toEqual([])
    const would = await images.prune({ all: true, dryRun: true })
    expect(would).toEqual({ disks: [url], bytes: statSync(join(folder, rawName)).blocks * 512 })
    expect(names()).toHaveLength(2)
    expect(await images.prune({ all: true, unusedForMs: 60_000 })).toEqual(would)
    expect(names()).toEqual([])
  })

  it('leaves a raw disk that a machine runs from, though nothing names it any more', async () => {
    const images = imagesWith()
    await images.ensure(url, {})
    const record = names().find((name) => name.endsWith('.json'))!
    rmSync(join(folder, 'sources', record))
    await images.prune({ inUse: new Set([hex(raw)]) })
    expect(names()).toEqual([rawName])
    await images.prune({})
    expect(names()).toEqual([])
  })

  it('takes what killed processes have left, and nothing of living ones', async () => {
    mkdirSync(folder, { recursive: true })
    for (const name of ['a.tmp', 'b.part', 'b.part.json', `${'c'.repeat(64)}.raw.corrupt`])
      writeFileSync(join(folder, name), 'left')
    const images = imagesWith()
    let release = (): void => undefined
    server.answer = (_request, response) => {
      response.writeHead(200, { 'content-length': packed.length, etag: '"v1"' })
      response.write(packed.subarray(0, 30_000))
      release = () => void response.end(packed.subarray(30_000))
    }
    let isComing = (): void => undefined
    const coming = new Promise<void>((resolve) => (isComing = resolve))
    const ensuring = images.ensure(url, {
      onProgress: ({ transfer }) => transfer?.bytes === 30_000 && isComing(),
    })
    await coming
    await imagesWith().prune({ all: true })
    expect(names().filter((name) => /^(?:a|b|c{64})\./.test(name))).toEqual([])
    release()
    expect((await ensuring).digest).toBe(sha256(raw))
  })
})

describe('a disk image of a file', () => {
  let path: string
  beforeEach(() => {
    path = join(root, `${count}.img.bz2`)
    writeFileSync(path, pack('bzip2', disk))
  })

  it('is taken in, and again when the file has changed', async () => {
    const images = imagesWith()
    expect(await images.ensure(path, {})).toMatchObject({ source: path, digest: sha256(raw) })
    writeFileSync(path, noise(1024))
    expect(await images.ensure(path, {})).toMatchObject({ digest: sha256(noise(1024)) })
    rmSync(path)
    expect(await images.ensure(path, {})).toMatchObject({ digest: sha256(noise(1024)) })
  })

  it('is left as it is, also when its checksum is wrong', async () => {
    const before = readFileSync(path)
    await expect(imagesWith().ensure(path, { sha256: 'b'.repeat(64) })).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
    })
    expect(readFileSync(path).equals(before)).toBe(true)
  })

  it.each([
    ['/nowhere/disk.img', 'NOT_FOUND'],
    [root, 'INVALID_ARGUMENT'],
  ])('is refused where there is none: %s', async (missing, code) => {
    await expect(imagesWith().ensure(missing, {})).rejects.toMatchObject({ code })
  })
})

// macOS has no mkfs.ext4.
describe.runIf(process.platform === 'linux')('a real file system', () => {
  it('comes out of its archive as mkfs.ext4 has made it', async () => {
    const tree = join(root, 'tree')
    const image = join(root, 'ext4.img')
    mkdirSync(join(tree, 'etc'), { recursive: true })
    writeFileSync(join(tree, 'etc/hostname'), 'disk\n')
    const args = ['-q', '-F', '-d', tree, image, '16M']
    const made = spawnSync('mkfs.ext4', args, {
      env: { PATH: `${process.env['PATH']}:/usr/sbin:/sbin` },
    })
    expect(made.error ?? made.stderr.toString()).toBe('')
    const original = readFileSync(image)
    server.answer = giving(pack('xz', original))
    const { path, digest } = await imagesWith().ensure(url, {})
    expect(digest).toBe(sha256(original))
    expect(readFileSync(path).equals(original)).toBe(true)
    expect(statSync(path).blocks).toBeLessThan(16 * 2048)
  })
})
