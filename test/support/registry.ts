// SPDX-License-Identifier: Apache-2.0
// A real docker-registry on loopback with its own empty storage, filled by skopeo.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface Registry {
  /** host:port */
  readonly address: string
  /** Copies an image of an OCI layout to `<address>/<name>`; returns that reference. */
  push(layout: string, tag: string, name: string): Promise<string>
  stop(): Promise<void>
}

export async function startRegistry(): Promise<Registry> {
  const dir = await mkdtemp(join(tmpdir(), 'registry-'))
  const address = `127.0.0.1:${await freePort()}`
  const config = {
    version: 0.1,
    log: { level: 'error', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(dir, 'storage') } },
    http: { addr: address },
  }
  // The server reads YAML, and JSON is YAML.
  await writeFile(join(dir, 'config.yml'), JSON.stringify(config))
  const server = spawn('docker-registry', ['serve', join(dir, 'config.yml')], { stdio: 'ignore' })
  for (let tries = 0; !(await answers(`http://${address}/v2/`)); tries++) {
    if (tries === 100 || server.exitCode !== null) throw new Error('docker-registry did not start')
    await sleep(50)
  }
  return {
    address,
    push: async (layout, tag, name) => {
      const target = `${address}/${name}`
      const args = ['--dest-tls-verify=false', `oci:${layout}:${tag}`, `docker://${target}`]
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

const answers = async (url: string): Promise<boolean> =>
  await fetch(url).then(
    (response) => response.ok,
    () => false,
  )

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
