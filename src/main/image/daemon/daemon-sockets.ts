// SPDX-License-Identifier: Apache-2.0
// Where Docker and Podman listen: what the user has set, else the places that they and the tools which
// bring them document. Only Unix sockets: a daemon on another computer is no local one.
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import { z } from 'zod'

export interface SocketPlaces {
  readonly env: NodeJS.ProcessEnv
  readonly home: string
  /** Of the user this runs as. */
  readonly uid: number
}

/**
 * DOCKER_HOST, else the current context (docker/cli, cli/context/store), else where Docker Engine,
 * Docker Desktop, rootless Docker, OrbStack, Colima and Rancher Desktop listen.
 * @returns paths in the order to be asked; most of them do not exist
 */
export async function dockerSockets({ env, home, uid }: SocketPlaces): Promise<string[]> {
  if (env['DOCKER_HOST']) return unixPath(env['DOCKER_HOST'])
  const config = env['DOCKER_CONFIG'] || join(home, '.docker')
  const context = env['DOCKER_CONTEXT'] || (await currentContext(config))
  if (context !== undefined && context !== 'default') return socketOfContext(config, context)
  return [
    '/var/run/docker.sock',
    join(home, '.docker/run/docker.sock'),
    join(home, '.docker/desktop/docker.sock'),
    join(runtimeDir(env, uid), 'docker.sock'),
    join(home, '.orbstack/run/docker.sock'),
    join(home, '.colima/default/docker.sock'),
    join(home, '.rd/docker.sock'),
  ]
}

/**
 * CONTAINER_HOST, else where `podman system service` listens by default (podman-system-service(1)) and
 * where `podman machine` puts the socket of its machine.
 * @returns as `dockerSockets`
 */
export function podmanSockets({ env, home, uid }: SocketPlaces): string[] {
  if (env['CONTAINER_HOST']) return unixPath(env['CONTAINER_HOST'])
  const temp = env['TMPDIR'] ? [join(env['TMPDIR'], 'podman/podman-machine-default-api.sock')] : []
  return [
    join(runtimeDir(env, uid), 'podman/podman.sock'),
    '/run/podman/podman.sock',
    ...temp,
    join(home, '.local/share/containers/podman/machine/podman.sock'),
  ]
}

const runtimeDir = (env: NodeJS.ProcessEnv, uid: number): string =>
  env['XDG_RUNTIME_DIR'] || `/run/user/${uid}`

function unixPath(url: string): string[] {
  const path = /^unix:\/\/(.*)$/.exec(url)?.[1]
  return path !== undefined && isAbsolute(path) ? [path] : []
}

const configSchema = z.object({ currentContext: z.string().optional() })

async function currentContext(config: string): Promise<string | undefined> {
  return (await readJson(join(config, 'config.json'), configSchema))?.currentContext || undefined
}

const contextSchema = z.object({
  Endpoints: z.object({ docker: z.object({ Host: z.string() }) }),
})

async function socketOfContext(config: string, name: string): Promise<string[]> {
  const folder = createHash('sha256').update(name).digest('hex')
  const path = join(config, 'contexts/meta', folder, 'meta.json')
  const context = await readJson(path, contextSchema)
  return context === undefined ? [] : unixPath(context.Endpoints.docker.Host)
}

/** @returns undefined for what is not there or not understood: then there is no daemon to ask */
async function readJson<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
  try {
    return schema.parse(JSON.parse(await readFile(path, 'utf8')))
  } catch {
    return undefined
  }
}
