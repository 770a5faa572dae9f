// SPDX-License-Identifier: Apache-2.0
// Podman's API service and Docker's daemon, each a real one with an empty store and a socket of its own.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream, existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { request, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { makeAtomically } from '../../scripts/setup/atomic.mjs'
import { command } from '../../scripts/setup/command.mjs'
import { withLock } from '../../scripts/setup/locking.mjs'
import { cacheDir } from '../../scripts/setup/paths.mjs'

const run = promisify(execFile)

export interface Daemon {
  /** So that it is found. */
  readonly env: NodeJS.ProcessEnv
  /** As `docker load` does, and then `docker tag LOADED NAME`: a name or ID that is in the archive. */
  load(archive: string, loaded: string, name: string): Promise<void>
  /** As `docker save NAME`. */
  save(name: string): Promise<Buffer>
  stop(): Promise<void>
}

/** Nothing of the system's own Podman is touched. */
export async function startPodman(): Promise<Daemon> {
  const dir = await mkdtemp(join(tmpdir(), 'podman-'))
  const socket = join(dir, 'api.sock')
  const own = ['--root', join(dir, 'root'), '--runroot', join(dir, 'run')]
  const plain = [
    '--storage-driver',
    'vfs',
    '--cgroup-manager',
    'cgroupfs',
    '--events-backend',
    'none',
  ]
  const args = [...own, ...plain, 'system', 'service', '--time=0', `unix://${socket}`]
  const stop = await serve('podman', args, process.env, dir, socket)
  return daemonAt(socket, { CONTAINER_HOST: `unix://${socket}`, DOCKER_HOST: 'none' }, stop)
}

/** @returns why there is none if it cannot run here */
export async function startDocker(): Promise<Daemon | string> {
  if (!(await mayMount())) return 'dockerd unpacks in a mount namespace, which needs CAP_SYS_ADMIN'
  const folders = await findDocker()
  if (folders === undefined) return 'there is neither a dockerd nor an apt-get to get one with'
  const dir = await mkdtemp(join(tmpdir(), 'docker-'))
  const socket = join(dir, 'api.sock')
  const places = ['data-root', 'exec-root', 'pidfile'].map((name) => `--${name}=${join(dir, name)}`)
  // It is to leave the network of this computer alone.
  const quiet = ['--iptables=false', '--ip6tables=false', '--ip-forward=false', '--bridge=none']
  const args = [...places, ...quiet, '--storage-driver=vfs', `--host=unix://${socket}`]
  const PATH = [...folders, process.env['PATH']].join(delimiter)
  const stop = await serve('dockerd', args, { ...process.env, PATH }, dir, socket)
  return daemonAt(socket, { DOCKER_HOST: `unix://${socket}`, CONTAINER_HOST: 'none' }, stop)
}

/** Bit 21 of the effective capabilities (capabilities(7), proc(5)). */
async function mayMount(): Promise<boolean> {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '')
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'
  return (BigInt(`0x${effective}`) & (1n << 21n)) !== 0n
}

/**
 * Where the system's own dockerd is, else Debian's, unpacked into the cache: installed, it would run
 * from then on.
 */
async function findDocker(): Promise<string[] | undefined> {
  const path = (process.env['PATH'] ?? '').split(delimiter)
  if (path.some((folder) => existsSync(join(folder, 'dockerd')))) return []
  if (!path.some((folder) => existsSync(join(folder, 'apt-get')))) return undefined
  const { stdout } = await run('apt-cache', ['show', '--no-all-versions', 'docker.io'])
  const version = /^Version: (\S+)$/m.exec(stdout)?.[1]
  const root = join(cacheDir(process.env), 'test', `docker.io_${version}`)
  await withLock(`${root}.lock`, async () => {
    if (!existsSync(root)) await makeAtomically(root, unpackDocker)
  })
  return [join(root, 'usr/sbin'), join(root, 'usr/bin')]
}

async function unpackDocker(root: string): Promise<void> {
  const debs = `${root}.debs`
  await mkdir(debs)
  const packages = ['docker.io', 'containerd', 'runc']
  // As the user that may write here: apt's own may not.
  const asMe = ['-o', 'APT::Sandbox::User=root']
  await command('apt-get', [...asMe, 'download', ...packages], { cwd: debs })
  await command(
    'sh',
    ['-c', 'for deb in *.deb; do dpkg-deb --extract "$deb" "$1"; done', 'sh', root],
    {
      cwd: debs,
    },
  )
}

/** Starts it, and waits until it answers. @returns the function that stops it and removes `dir` */
async function serve(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  dir: string,
  socket: string,
): Promise<() => Promise<void>> {
  const child = spawn(program, args, { env, stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.on('data', (text) => (said = `${said}${text}`.slice(-2000)))
  const failed = once(child, 'error').then(([error]) => (said = String(error)))
  const hasEnded = (): boolean => child.exitCode !== null || child.pid === undefined
  for (let tries = 0; !(await answers(socket)); tries++) {
    if (child.pid === undefined) await failed
    if (tries === 300 || hasEnded()) throw new Error(`${program} did not start: ${said}`)
    await sleep(100)
  }
  return async () => {
    child.kill('SIGTERM')
    if (!hasEnded()) await once(child, 'exit')
    await rm(dir, { recursive: true })
  }
}

function daemonAt(socketPath: string, env: NodeJS.ProcessEnv, stop: Daemon['stop']): Daemon {
  return {
    env,
    load: async (archive, loaded, name) => {
      const said = (await call(socketPath, 'POST', '/images/load', archive)).toString()
      // Docker says that it is well before it begins.
      if (said.includes('"errorDetail"')) throw new Error(`${archive} is not loaded: ${said}`)
      const [, repo = '', tag = ''] = /^(.*):([^:]*)$/.exec(name) ?? []
      await call(socketPath, 'POST', `/images/${loaded}/tag?repo=${repo}&tag=${tag}`)
    },
    save: (name) => call(socketPath, 'GET', `/images/${name}/get`),
    stop,
  }
}

const answers = (socketPath: string): Promise<boolean> =>
  call(socketPath, 'GET', '/_ping').then(
    () => true,
    () => false,
  )

async function call(
  socketPath: string,
  method: 'GET' | 'POST',
  path: string,
  file?: string,
): Promise<Buffer> {
  const headers = file === undefined ? {} : { 'content-type': 'application/x-tar' }
  const asking = request({ socketPath, method, path, headers })
  const answered = once(asking, 'response') as Promise<[IncomingMessage]>
  await Promise.all([
    answered,
    file === undefined ? asking.end() : pipeline(createReadStream(file), asking),
  ])
  const [response] = await answered
  const body = Buffer.concat(await response.toArray())
  if (response.statusCode! < 300) return body
  throw new Error(`${method} ${path} is answered with ${response.statusCode}: ${body.toString()}`)
}
