// SPDX-License-Identifier: Apache-2.0
// The command line against real registries: logins, certificates, formats; and against a scripted
// one for what a good registry will not do while processes are killed.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { ImageView } from '../../src/contract/images'
import { manifestMediaTypes } from '../../src/main/image/media-types'
import { makeCli, type Cli } from '../support/cli'
import { registryUser, startRegistry, type Registry } from '../support/registry'
import { makeImage, writeLayout } from '../unit/main/image/support/make-image'
import {
  Repository,
  startServer,
  type Answer,
  type ScriptedServer,
} from '../unit/main/image/support/scripted-registry'

const MIB = 1024 * 1024
const members = [[{ name: 'etc/hostname', data: 'small\n' }], [{ name: 'more', data: 'x' }]]
const image = makeImage(members)
let dir: string
let layout: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'microvm-registry-'))
  layout = writeLayout(join(dir, 'layout'), { image, name: 'small' })
})
afterAll(() => rm(dir, { recursive: true }))

const made: { dispose(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of made.splice(0)) await one.dispose()
})
async function cliWith(env: NodeJS.ProcessEnv = {}): Promise<Cli> {
  const cli = await makeCli({ env: { DOCKER_CONFIG: await mkdtemp(join(dir, 'docker-')), ...env } })
  made.push(cli)
  return cli
}
async function serveReal(options: Parameters<typeof startRegistry>[0]): Promise<Registry> {
  const registry = await startRegistry(options)
  made.push({ dispose: () => registry.stop() })
  return registry
}

describe('a registry that wants a login', () => {
  it('gives nothing before one, everything after, and nothing once one is signed out', async () => {
    const registry = await serveReal({ login: true })
    const reference = await registry.push(layout, 'small', 'private/small:v1')
    const config = await mkdtemp(join(dir, 'docker-'))
    const cli = await cliWith({ DOCKER_CONFIG: config })
    const denied = await cli.run(['pull', reference])
    expect(denied).toMatchObject({ code: 125, stderr: expect.stringContaining('microvm login') })
    const login = ['login', registry.address, '-u', registryUser.username, '--password-stdin']
    const wrong = await cli.run(login, { stdin: 'wrong' })
    expect(wrong).toMatchObject({ code: 125, stderr: expect.stringContaining('refuses') })
    expect(await readdir(config)).toEqual([])
    await cli.ok(login, { stdin: `${registryUser.password}\n` })
    expect(await readFile(join(config, 'config.json'), 'utf8')).toContain(registry.address)
    const pulled = await cli.run(['pull', reference])
    expect(pulled).toMatchObject({ code: 0, stdout: `${reference}\n` })
    expect(pulled.stderr).toContain(image.manifest.digest)
    await cli.ok(['logout', registry.address])
    expect((await cli.run(['pull', reference])).code).toBe(125)
  })

  it('takes the login that a credential helper has', async () => {
    const registry = await serveReal({ login: true })
    const reference = await registry.push(layout, 'small', 'private/small:v1')
    const config = await mkdtemp(join(dir, 'docker-'))
    const { password: Secret, username: Username } = registryUser
    const answer = JSON.stringify({ ServerURL: registry.address, Username, Secret })
    const script = `#!/bin/sh\nread -r server\n[ "$1 $server" = "get ${registry.address}" ] && echo '${answer}'\n`
    await writeFile(join(config, 'docker-credential-test'), script, { mode: 0o700 })
    await writeFile(join(config, 'config.json'), '{"credsStore":"test"}')
    const cli = await cliWith({
      DOCKER_CONFIG: config,
      PATH: `${config}:${process.env['PATH']}`,
    })
    await cli.ok(['pull', reference])
  })
})

describe('a registry with a certificate', () => {
  it('is trusted if NODE_EXTRA_CA_CERTS names its issuer, and else not', async () => {
    const registry = await serveReal({ tls: true, login: true })
    const reference = await registry.push(layout, 'small', 'secure/small:v1')
    const cli = await cliWith()
    const login = ['login', registry.address, '-u', registryUser.username, '--password-stdin']
    const refused = await cli.run(login, { stdin: registryUser.password })
    expect(refused).toMatchObject({ code: 125, stderr: expect.stringContaining('certificate') })
    const trusting = await cliWith({ NODE_EXTRA_CA_CERTS: registry.caFile })
    await trusting.ok(login, { stdin: registryUser.password })
    const { digest } = await trusting.json<ImageView>(['pull', reference])
    expect(digest).toBe(image.manifest.digest)
  })
})

describe('an image in another format', () => {
  it('is the same image: docker’s manifest, and layers packed with zstd', async () => {
    const cli = await cliWith()
    // What is not compressed yet, skopeo compresses.
    const plain = writeLayout(join(dir, 'plain'), {
      image: makeImage(members, { compress: false }),
      name: 'small',
    })
    const flags = {
      'format:zstd': ['--dest-compress-format', 'zstd'],
      'format:docker': ['--format', 'v2s2'],
    }
    for (const [name, more] of Object.entries(flags)) {
      // One each: it sends no layer again that a registry has in any form.
      const registry = await serveReal({})
      const reference = await registry.push(plain, 'small', name, more)
      const { layers } = await cli.json<ImageView>(['pull', reference])
      expect(
        layers.map(({ diffId }) => diffId),
        name,
      ).toEqual(image.diffIds)
      const url = `http://${registry.address}/v2/format/manifests/${name.slice('format:'.length)}`
      const response = await fetch(url, { headers: { accept: manifestMediaTypes.join() } })
      const kind = name === 'format:zstd' ? 'layer.v1.tar+zstd' : 'vnd.docker.image.rootfs'
      expect(await response.text()).toContain(kind)
    }
  })

  it('for another platform is pulled when asked for, but not run', async () => {
    const { server } = await scripted(
      makeImage([[{ name: 'a', data: 'a' }]], { architecture: 'riscv64' }),
    )
    const cli = await cliWith()
    const reference = `${server.host}/acme/app:v1`
    expect((await cli.run(['pull', reference])).stderr).toContain('riscv64')
    const view = await cli.json<ImageView>(['pull', '--platform', 'linux/riscv64', reference])
    expect(view.platform).toBe('linux/riscv64')
    const run = await cli.run(['run', '--rm', reference, '--', 'true'])
    expect(run).toMatchObject({ code: 125, stderr: expect.stringContaining('riscv64') })
  })
})

/** A server of one image, whose largest blob is sent as `answer` says, and a note of its ranges. */
async function scripted(of: typeof image): Promise<{
  server: ScriptedServer
  blob: Buffer
  ranges: (string | undefined)[]
  sendBlob(answer: Answer): void
}> {
  const repository = new Repository()
  const { digest, mediaType } = of.manifest
  for (const [name, bytes] of of.blobs) if (name !== digest) repository.add(bytes)
  repository.add(of.blobs.get(digest)!, mediaType, 'v1')
  const [name, blob] = [...of.blobs].reduce((a, b) => (b[1].length > a[1].length ? b : a))
  const ranges: (string | undefined)[] = []
  let send: Answer = repository.answer
  const server = await startServer((request, response) => {
    if (!request.url!.endsWith(name)) return repository.answer(request, response)
    ranges.push(request.headers.range)
    send(request, response)
  })
  made.push({ dispose: () => server.close() })
  return { server, blob, ranges, sendBlob: (answer) => void (send = answer) }
}

describe('a pull that is killed', () => {
  const big = makeImage([[{ name: 'big', data: randomBytes(6 * MIB).toString('latin1') }]])

  /** Half of it, then nothing, unless asked for the rest. */
  const halting =
    (blob: Buffer): Answer =>
    (request, response) => {
      const start = Number(/^bytes=([0-9]+)-$/.exec(request.headers.range ?? '')?.[1] ?? -1)
      if (start === -1) response.writeHead(200).write(blob.subarray(0, 4 * MIB))
      else {
        const range = `bytes ${start}-${blob.length - 1}/${blob.length}`
        response.writeHead(206, { 'content-range': range }).end(blob.subarray(start))
      }
    }

  async function partBytes(cli: Cli): Promise<number> {
    const folder = join(cli.dataDir, 'images/layers')
    const names = await readdir(folder).catch(() => [])
    const part = names.find((name) => name.endsWith('.part'))
    return part === undefined ? 0 : (await readFile(join(folder, part))).length
  }
  const untilHalf = async (cli: Cli): Promise<void> => {
    while ((await partBytes(cli)) < 4 * MIB) await sleep(20)
  }

  /** A pull that is under way and gets no further than half. */
  const halfPulled = async () => {
    const { blob, sendBlob, ...rest } = await scripted(big)
    sendBlob(halting(blob))
    const cli = await cliWith()
    const reference = `${rest.server.host}/acme/app:v1`
    const killed = cli.start(['pull', reference])
    await untilHalf(cli)
    return { ...rest, cli, killed, reference }
  }

  it('is continued by the next one, from the very byte', async () => {
    const { cli, killed, ranges, reference } = await halfPulled()
    killed.kill('SIGKILL')
    await once(killed, 'exit')
    expect(await cli.json<unknown[]>(['images'])).toEqual(
      expect.not.arrayContaining([expect.objectContaining({ reference })]),
    )
    const { digest } = await cli.json<ImageView>(['pull', reference])
    expect(digest).toBe(big.manifest.digest)
    expect(ranges).toEqual([undefined, `bytes=${4 * MIB}-`])
    expect(await partBytes(cli)).toBe(0)
  })

  it('is taken over by one that was waiting for it, which does the rest only', async () => {
    const { cli, killed, ranges, reference, server } = await halfPulled()
    const asked = server.asked.length
    const waiting = cli.run(['pull', reference])
    // It has the manifest and the config, and now waits for the layer.
    while (server.asked.length < asked + 2) await sleep(20)
    await sleep(300)
    expect(ranges).toHaveLength(1)
    killed.kill('SIGKILL')
    expect(await waiting).toMatchObject({ code: 0, stdout: `${reference}\n` })
    expect(ranges).toEqual([undefined, `bytes=${4 * MIB}-`])
  })

  it('is not needed twice: two at once fetch each layer once', async () => {
    const { blob, ranges, sendBlob, server } = await scripted(big)
    sendBlob((_, response) => void setTimeout(() => response.end(blob), 1500))
    const cli = await cliWith()
    const reference = `${server.host}/acme/app:v1`
    const both = await Promise.all([1, 2].map(() => cli.run(['pull', reference])))
    expect(both.map(({ code }) => code)).toEqual([0, 0])
    expect(ranges).toEqual([undefined])
  })
})
