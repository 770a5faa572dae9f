// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, renameSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Progress } from '../../../../../src/contract/images'
import type { DaemonTimeouts } from '../../../../../src/main/image/daemon/daemon-api'
import { daemonFetchers } from '../../../../../src/main/image/daemon/daemon-fetcher'
import type { ImageStore } from '../../../../../src/main/image/image-store'
import {
  plainRegistryDeps,
  registryFetcher,
} from '../../../../../src/main/image/registry/registry-image'
import { dataPaths } from '../../../../../src/main/lib/data-paths'
import { layoutFiles, tarOfFiles } from '../support/make-image'
import { listTree } from '../support/make-tree'
import { status } from '../support/registry-fixture'
import {
  dockerArchive,
  inspected,
  startDaemon,
  type ScriptedDaemon,
} from '../support/scripted-daemon'
import type { Answer } from '../support/scripted-registry'
import { debian, filesIn, other, useStore } from '../support/store-fixture'

const fixture = useStore()
let dir: string
const daemons: { close(): unknown }[] = []
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'daemon-'))
})
afterEach(async () => {
  for (const daemon of daemons.splice(0)) await daemon.close()
  rmSync(dir, { recursive: true })
})

const docker = (): string => join(dir, 'docker.sock')
const podman = (): string => join(dir, 'podman.sock')
async function start(...args: Parameters<typeof startDaemon>): Promise<ScriptedDaemon> {
  const daemon = await startDaemon(...args)
  daemons.push(daemon)
  return daemon
}
const short: DaemonTimeouts = { answerMs: 200, archiveMs: 200, idleMs: 200 }

/** Daemons of this test, then registries. */
function store({
  enabled = true,
  timeouts,
}: { enabled?: boolean; timeouts?: DaemonTimeouts } = {}): ImageStore {
  const fetchers = [
    ...daemonFetchers({
      env: { DOCKER_HOST: `unix://${docker()}`, CONTAINER_HOST: `unix://${podman()}` },
      home: dir,
      uid: process.getuid!(),
      enabled: async () => enabled,
      ...(timeouts ? { timeouts } : {}),
    }),
    registryFetcher(plainRegistryDeps),
  ]
  return fixture.storeWith({ fetchers })
}
const json =
  (value: unknown): Answer =>
  (_request, response) =>
    void response.end(typeof value === 'string' ? value : JSON.stringify(value))
const bytes =
  (body: Buffer): Answer =>
  (_request, response) =>
    void response.end(body)
const silence: Answer = () => undefined

/** The config of `other`, with layers that are not its own. */
const forged = {
  ...other,
  tars: other.tars.map((tar) => Buffer.concat([tar, Buffer.alloc(512)])),
}
const half = dockerArchive(other).subarray(0, 30_000)
const breakOff: Answer = (_request, response) => {
  response.write(half, () => setTimeout(() => response.destroy(), 20))
}
const stopSending: Answer = (_request, response) => void response.write(half)
const silent = new Set<Answer>([silence, stopSending])

describe('an image that only a daemon has', () => {
  it('is taken from there when it is needed, and is the one that an import of its archive gives', async () => {
    await start(docker(), debian, ['only-here:v1'])
    const progress: Progress[] = []
    const got = await store().ensure('only-here:v1', { onProgress: (told) => progress.push(told) })
    expect(got.view).toMatchObject({ reference: 'only-here:v1', platform: 'linux/amd64' })
    const messages = new Set(progress.map(({ message }) => message))
    expect([...messages]).toEqual([
      'Pulling only-here:v1',
      'Copying only-here:v1 from Docker',
      'Pulling only-here:v1 from Docker',
    ])
    const tree = listTree(await store().tree(got))
    fixture.paths = dataPaths(fixture.freshFolder()).images
    async function* archive() {
      yield dockerArchive(debian)
    }
    const imported = await store().importStream(archive(), { reference: 'imported' })
    expect(imported.view.digest).toBe(got.view.digest)
    expect(listTree(await store().tree(imported))).toEqual(tree)
    expect(filesIn(fixture.paths.layers).filter((name) => name.endsWith('.tmp'))).toEqual([])
    expect(fixture.warn).not.toHaveBeenCalled()
  })

  it('comes from Podman where Docker does not run, and is said to', async () => {
    await start(podman(), debian, ['only-here:latest', 'other:v1'], { isPodman: true })
    const progress: Progress[] = []
    await store().ensure('only-here', { onProgress: (told) => progress.push(told) })
    expect(progress.map(({ message }) => message)).toContain('Copying only-here from Podman')
    expect(fixture.warn).not.toHaveBeenCalled()
  })

  it('comes as an OCI layout, too, as newer versions of Docker save it', async () => {
    const daemon = await start(docker(), debian, ['only-here:v1'])
    daemon.answers.get = bytes(tarOfFiles(layoutFiles([{ image: debian }])))
    const { view } = await store().ensure('only-here:v1', {})
    expect(view.digest).toBe(debian.manifest.digest)
  })

  it('is named as a way out when the registry does not have it, and is not copied for that', async () => {
    const daemon = await start(docker(), debian, [])
    const reference = `${fixture.server.host}/acme/app:nowhere`
    const pulling = (): Promise<unknown> =>
      store()
        .pull(reference, {})
        .catch((error: unknown) => error)
    expect(await pulling()).not.toMatchObject({
      hint: expect.stringContaining('--local') as string,
    })
    daemon.answers.json = json(inspected(debian, [reference]))
    expect(await pulling()).toMatchObject({
      code: 'IMAGE_NOT_FOUND',
      hint: `Docker on this computer has an image of that name: microvm pull --local ${reference}`,
    })
    expect(daemon.asked.some((url) => url.endsWith('/get'))).toBe(false)
    expect(await store().list()).toEqual([])
  })

  it('is not pulled: a pull asks the registry, or on request the daemons alone', async () => {
    const daemon = await start(docker(), debian, [])
    const reference = fixture.publish(other, 'v1')
    daemon.answers.json = json(inspected(debian, [reference]))
    expect((await store().pull(reference, {})).view.digest).toBe(other.manifest.digest)
    expect(daemon.asked).toEqual([])
    const local = await store().pull(reference, { from: 'local' })
    expect(local.layers.map(({ diffId }) => diffId)).toEqual(debian.diffIds)
    daemon.answers.json = status(404)
    await expect(store().pull(reference, { from: 'local' })).rejects.toMatchObject({
      code: 'IMAGE_NOT_FOUND',
      message: expect.stringMatching(/Docker has no such image; Podman is not here/) as string,
    })
    expect((await store().ensure(reference, {})).layers).toEqual(local.layers)
  })
})

describe('a daemon without what is wanted', () => {
  /** Asks for an image of the registry, with a daemon that answers so. */
  async function ensureBeside(
    answers: (reference: string) => ScriptedDaemon['answers'],
    reference = fixture.publish(debian, 'v1'),
  ): Promise<ScriptedDaemon> {
    const daemon = await start(docker(), other, [])
    Object.assign(daemon.answers, answers(reference))
    const isSilent = Object.values(daemon.answers).some((answer) => silent.has(answer))
    // Any other may take its time on a busy computer.
    const { view } = await store(isSilent ? { timeouts: short } : {}).ensure(reference, {})
    expect(view.digest).toBe(debian.manifest.digest)
    expect(filesIn(fixture.paths.layers).filter((name) => name.endsWith('.tmp'))).toEqual([])
    return daemon
  }
  const inspectAs =
    (change: object) =>
    (reference: string): ScriptedDaemon['answers'] => ({
      json: json({ ...inspected(other, [reference]), ...change }),
    })

  it.each([
    ['lacks the image', () => ({})],
    ['has it for another architecture', inspectAs({ Architecture: 'arm64' })],
    ['answers with an image of another name', inspectAs({ RepoTags: ['other', '<none>:<none>'] })],
    ['answers with an image without a name', inspectAs({ RepoTags: null })],
  ])('is passed over without a word if it %s', async (_what, answers) => {
    const { asked } = await ensureBeside(answers)
    expect(asked.some((url) => url.endsWith('/get'))).toBe(false)
    expect(fixture.warn).not.toHaveBeenCalled()
  })

  it('is passed over without a word if it does not run any more', async () => {
    // A process that is killed leaves its socket behind.
    const server: Server = createServer()
    await new Promise<void>((resolve) => server.listen(docker(), resolve))
    renameSync(docker(), `${docker()}.kept`)
    await new Promise((resolve) => server.close(resolve))
    renameSync(`${docker()}.kept`, docker())
    const reference = fixture.publish(debian, 'v1')
    expect((await store().ensure(reference, {})).view.digest).toBe(debian.manifest.digest)
    expect(fixture.warn).not.toHaveBeenCalled()
  })

  it('is not asked if the settings say so', async () => {
    const daemon = await start(docker(), debian, ['only-here:v1'])
    const asking = store({ enabled: false }).pull('only-here:v1', { from: 'local' })
    await expect(asking).rejects.toMatchObject({
      code: 'IMAGE_NOT_FOUND',
      message: expect.stringContaining('by the settings') as string,
    })
    expect(daemon.asked).toEqual([])
  })

  it.each<[string, (reference: string) => ScriptedDaemon['answers']]>([
    ['fails', () => ({ json: status(500, {}, '{"message":"out of order"}') })],
    ['is out of order', () => ({ _ping: status(503) })],
    ['is silent', () => ({ _ping: silence })],
    ['answers with what is no JSON', () => ({ json: json('<html>') })],
    ['answers with other JSON', () => ({ json: json({ Id: '../../etc', RepoTags: {} }) })],
    ['answers with an ID that is none', inspectAs({ Id: 'sha256:../x' })],
    ['answers without end', () => ({ json: bytes(Buffer.alloc(5 * 1024 * 1024, '[')) })],
    ['fails to save it', (name) => ({ ...inspectAs({})(name), get: status(500) })],
    ['is silent when it should save it', (name) => ({ ...inspectAs({})(name), get: silence })],
    ['saves half of it', (name) => ({ ...inspectAs({})(name), get: breakOff })],
    ['stops sending', (name) => ({ ...inspectAs({})(name), get: stopSending })],
    ['saves nothing', (name) => ({ ...inspectAs({})(name), get: bytes(Buffer.alloc(0)) })],
    [
      'saves another image',
      (name) => ({ ...inspectAs({})(name), get: bytes(dockerArchive(debian)) }),
    ],
    ['saves two', (name) => ({ ...inspectAs({})(name), get: bytes(dockerArchive(other, debian)) })],
    [
      'saves other layers',
      (name) => ({ ...inspectAs({})(name), get: bytes(dockerArchive(forged)) }),
    ],
  ])('is told of and passed over if it %s', async (_what, answers) => {
    await ensureBeside(answers)
    expect(fixture.warn).toHaveBeenCalledExactlyOnceWith(
      'a place could not give an image',
      expect.objectContaining({ name: 'Docker' }),
    )
  })
})

describe('a reference with a digest', () => {
  it('takes an image of a daemon only if it is that very manifest', async () => {
    const daemon = await start(docker(), debian, [])
    const { digest } = debian.manifest
    daemon.answers.json = json(inspected(debian, []))
    const pinned = `localhost:1/acme/app@${digest}`
    const lacking = store().pull(pinned, { from: 'local' })
    await expect(lacking).rejects.toMatchObject({
      message: expect.stringContaining('does not keep it as it is in the registry') as string,
    })
    daemon.answers.json = json({ ...inspected(debian, []), Id: digest })
    // It says that it has it, and sends an archive in which nothing has that digest.
    daemon.answers.get = bytes(dockerArchive(debian))
    await expect(store().pull(pinned, { from: 'local' })).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
    })
    daemon.answers.get = bytes(tarOfFiles(layoutFiles([{ image: debian }])))
    const { view } = await store().pull(pinned, { from: 'local' })
    expect(view).toMatchObject({ reference: pinned, digest })
  })
})

describe('cancelling', () => {
  it.each([
    ['before it answers', '_ping'],
    ['while it saves', 'get'],
  ] as const)('ends a daemon’s part %s, and nobody else is asked', async (_when, kind) => {
    const reference = fixture.publish(debian, 'v1')
    const daemon = await start(docker(), other, [])
    const cancel = new AbortController()
    daemon.answers.json = json(inspected(other, [reference]))
    daemon.answers[kind] = (_request, response) => {
      if (kind === 'get') response.write(Buffer.alloc(1000))
      setTimeout(() => cancel.abort(), 50)
    }
    const ensuring = store().ensure(reference, { signal: cancel.signal })
    await expect(ensuring).rejects.toMatchObject({ code: 'CANCELLED' })
    expect(fixture.server.asked).toEqual([])
    expect(filesIn(fixture.paths.layers)).toEqual([])
  })
})

describe('an image too large', () => {
  it('is not begun when there is no room for it', async () => {
    const daemon = await start(docker(), debian, [])
    daemon.answers.json = json({ ...inspected(debian, ['only-here:v1']), Size: 2 ** 60 })
    const pulling = store().pull('only-here:v1', { from: 'local' })
    await expect(pulling).rejects.toMatchObject({ code: 'DISK_FULL' })
    expect(daemon.asked.some((url) => url.endsWith('/get'))).toBe(false)
  })
})
