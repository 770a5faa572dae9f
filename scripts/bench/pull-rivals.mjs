// SPDX-License-Identifier: Apache-2.0
// The programs whose pull ours is compared with, and the registry they all pull from.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { makeAtomically } from '../setup/atomic.mjs'
import { command } from '../setup/command.mjs'

/** The package of npm's `microsandbox` that carries its `msb` for Linux x64; fetched by the benchmark only. */
const msbPackage = {
  name: '@superradcompany/microsandbox-linux-x64-gnu@0.7.2',
  integrity:
    'sha512-5gmMDYjyGXtx+13rWKeI0/f6x7ecDg6aMFVCupgr23IQODQLuGsbvn70LyXUrT0bOlYhle6i4uum2+AwVKTU8Q==',
}

/**
 * @typedef {object} Rival
 * @property {string} name
 * @property {(reference: string, dir: string) => { program: string, args: string[], env?: NodeJS.ProcessEnv }[]} commands
 *   what to run, one after the other, until the image could boot; `dir` is theirs, and empty
 */

/** @type {Rival} */
export const umoci = {
  name: 'skopeo copy + umoci unpack',
  commands: (reference, dir) => [
    {
      program: 'skopeo',
      args: [
        ...['copy', '--insecure-policy', '--quiet', '--src-tls-verify=false'],
        ...[`docker://${reference}`, `oci:${join(dir, 'layout')}:image`],
      ],
    },
    {
      program: 'umoci',
      args: ['unpack', '--image', `${join(dir, 'layout')}:image`, join(dir, 'bundle')],
    },
  ],
}

/** @param {string} cache the per-user cache @returns {Promise<Rival>} */
export async function msb(cache) {
  const dir = join(cache, 'msb', msbPackage.name.replace(/^.*@/, ''))
  if (!existsSync(dir)) await makeAtomically(dir, fetchMsb)
  return {
    name: 'msb pull',
    commands: (reference, home) => [
      {
        program: join(dir, 'package', 'bin', 'msb'),
        args: ['pull', '--quiet', '--insecure', reference],
        env: { ...process.env, HOME: home, MSB_HOME: join(home, 'msb') },
      },
    ],
  }
}

/** @param {string} dir */
async function fetchMsb(dir) {
  await mkdir(dir)
  const pack = ['pack', '--loglevel=error', '--ignore-scripts', msbPackage.name]
  await command('npm', pack, { cwd: dir })
  const file = (await readdir(dir)).find((name) => name.endsWith('.tgz'))
  if (file === undefined) throw new Error(`npm pack ${msbPackage.name} brought nothing`)
  const archive = join(dir, file)
  const hash = createHash('sha512')
    .update(await readFile(archive))
    .digest('base64')
  if (`sha512-${hash}` !== msbPackage.integrity) throw new Error(`${file} has a wrong checksum`)
  await command('tar', ['-xzf', archive, '-C', dir])
  await rm(archive)
}

/**
 * A docker-registry on this computer that serves every tag of a layout.
 * @param {string} dir for its storage; an empty folder
 * @param {string} layout
 * @param {readonly string[]} tags
 */
export async function startRegistry(dir, layout, tags) {
  const address = `127.0.0.1:${await freePort()}`
  const config = join(dir, 'config.yml')
  const storage = { filesystem: { rootdirectory: join(dir, 'storage') } }
  const log = { level: 'error', accesslog: { disabled: true } }
  // The server reads YAML, and JSON is YAML.
  await writeFile(config, JSON.stringify({ version: 0.1, log, storage, http: { addr: address } }))
  const server = spawn('docker-registry', ['serve', config], { stdio: 'ignore' })
  const answers = () => fetch(`http://${address}/v2/`).catch(() => undefined)
  for (let tries = 0; !(await answers())?.ok; tries++) {
    if (tries === 100 || server.exitCode !== null) throw new Error('docker-registry did not start')
    await sleep(50)
  }
  const stop = async () => {
    server.kill()
    if (server.exitCode === null) await once(server, 'exit')
  }
  const options = ['copy', '--insecure-policy', '--quiet', '--dest-tls-verify=false']
  for (const tag of tags) {
    const target = `docker://${address}/bench/image:${tag}`
    await command('skopeo', [...options, `oci:${layout}:${tag}`, target]).catch(async (error) => {
      await stop()
      throw error
    })
  }
  return { reference: (/** @type {string} */ tag) => `${address}/bench/image:${tag}`, stop }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}
