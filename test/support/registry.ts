// SPDX-License-Identifier: Apache-2.0
// A real docker-registry on loopback with its own empty storage, filled by skopeo; by plain HTTP or
// with a certificate of a CA of its own, for anyone or for one user.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect, createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface Registry {
  /** host:port */
  readonly address: string
  /** The CA's certificate, with `tls`. */
  readonly caFile: string
  /** Copies an image of an OCI layout to `<address>/<name>`; returns that reference. */
  push(layout: string, tag: string, name: string, flags?: readonly string[]): Promise<string>
  stop(): Promise<void>
}

/** Who may use a registry started with `login`. The hash is bcrypt's, as docker-registry wants it. */
export const registryUser = { username: 'anna', password: 'correct horse' } as const
const PASSWORD_FILE = 'anna:$2b$04$mTuIAytvJRksYZLWqpbYlO/t3Y34etpXbUbXizLbJKaMBW7IY7MlO\n'

export interface RegistryOptions {
  readonly login?: boolean
  readonly tls?: boolean
}

export async function startRegistry({
  login = false,
  tls = false,
}: RegistryOptions = {}): Promise<Registry> {
  const dir = await mkdtemp(join(tmpdir(), 'registry-'))
  const port = await freePort()
  const address = `127.0.0.1:${port}`
  const ca = join(dir, 'ca')
  if (tls) await makeCertificates(dir, ca)
  await writeFile(join(dir, 'htpasswd'), PASSWORD_FILE)
  const config = {
    version: 0.1,
    log: { level: 'error', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(dir, 'storage') } },
    http: {
      addr: address,
      ...(tls && { tls: { certificate: join(dir, 'server.crt'), key: join(dir, 'server.key') } }),
    },
    ...(login && { auth: { htpasswd: { realm: 'test', path: join(dir, 'htpasswd') } } }),
  }
  // The server reads YAML, and JSON is YAML.
  await writeFile(join(dir, 'config.yml'), JSON.stringify(config))
  const server = spawn('docker-registry', ['serve', join(dir, 'config.yml')], { stdio: 'ignore' })
  for (let tries = 0; !(await answers(port)); tries++) {
    if (tries === 100 || server.exitCode !== null) throw new Error('docker-registry did not start')
    await sleep(50)
  }
  const { password, username } = registryUser
  return {
    address,
    caFile: join(ca, 'ca.crt'),
    push: async (layout, tag, name, flags = []) => {
      const target = `${address}/${name}`
      const trust = tls ? ['--dest-cert-dir', ca] : ['--dest-tls-verify=false']
      const creds = login ? ['--dest-creds', `${username}:${password}`] : []
      const args = [...trust, ...creds, ...flags, `oci:${layout}:${tag}`, `docker://${target}`]
      await run('skopeo', ['copy', '--insecure-policy', '--quiet', ...args])
      return target
    },
    stop: async () => {
      server.kill('SIGTERM')
      if (server.exitCode === null) await once(server, 'exit')
      await rm(dir, { recursive: true })
    },
  }
}

/** A CA, and a certificate for this computer that it has signed. */
async function makeCertificates(dir: string, ca: string): Promise<void> {
  await mkdir(ca)
  const openssl = (...args: string[]) => run('openssl', args, { cwd: dir })
  const made = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  await openssl(
    ...['req', '-x509', ...made, '-subj', '/CN=test CA'],
    ...['-keyout', 'ca.key', '-out', 'ca/ca.crt'],
  )
  await openssl(
    ...[
      'req',
      '-x509',
      ...made,
      '-subj',
      '/CN=test registry',
      '-CA',
      'ca/ca.crt',
      '-CAkey',
      'ca.key',
    ],
    ...['-addext', 'subjectAltName=IP:127.0.0.1', '-addext', 'basicConstraints=critical,CA:FALSE'],
    ...['-keyout', 'server.key', '-out', 'server.crt'],
  )
}

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false))
    socket.on('connect', () => socket.destroy())
  })

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
