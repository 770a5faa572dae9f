// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { dockerSockets, podmanSockets } from '../../../../../src/main/image/daemon/daemon-sockets'

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'home-'))
})
afterEach(() => rmSync(home, { recursive: true }))
const docker = (env: NodeJS.ProcessEnv = {}): Promise<string[]> =>
  dockerSockets({ env, home, uid: 1000 })
const podman = (env: NodeJS.ProcessEnv = {}): string[] => podmanSockets({ env, home, uid: 1000 })

function addContext(name: string, host: string): void {
  const folder = join(
    home,
    '.docker/contexts/meta',
    createHash('sha256').update(name).digest('hex'),
  )
  mkdirSync(folder, { recursive: true })
  const meta = { Name: name, Endpoints: { docker: { Host: host, SkipTLSVerify: false } } }
  writeFileSync(join(folder, 'meta.json'), JSON.stringify(meta))
}

describe('where Docker listens', () => {
  it('is where its tools put it, unless something says otherwise', async () => {
    const found = await docker()
    expect(found[0]).toBe('/var/run/docker.sock')
    expect(found).toContain('/run/user/1000/docker.sock')
    expect(found).toContain(join(home, '.colima/default/docker.sock'))
    expect(await docker({ XDG_RUNTIME_DIR: '/run/me' })).toContain('/run/me/docker.sock')
  })

  it('is what DOCKER_HOST says; on another computer there is no local one', async () => {
    expect(await docker({ DOCKER_HOST: 'unix:///a/b.sock' })).toEqual(['/a/b.sock'])
    for (const other of ['tcp://10.0.0.1:2375', 'ssh://host', 'unix://relative', 'x'])
      expect(await docker({ DOCKER_HOST: other })).toEqual([])
  })

  it('is what the context says, the one in the environment before the current one', async () => {
    addContext('desktop', 'unix:///desktop.sock')
    addContext('far', 'ssh://far')
    writeFileSync(join(home, '.docker/config.json'), '{"currentContext":"desktop"}')
    expect(await docker()).toEqual(['/desktop.sock'])
    expect(await docker({ DOCKER_CONTEXT: 'far' })).toEqual([])
    expect(await docker({ DOCKER_CONTEXT: 'gone' })).toEqual([])
    expect(await docker({ DOCKER_CONTEXT: 'default' })).toContain('/var/run/docker.sock')
    expect(await docker({ DOCKER_CONFIG: join(home, 'none') })).toContain('/var/run/docker.sock')
  })

  it('is where it usually is if docker’s config cannot be read', async () => {
    mkdirSync(join(home, '.docker'))
    writeFileSync(join(home, '.docker/config.json'), '{')
    expect(await docker()).toContain('/var/run/docker.sock')
  })
})

describe('where Podman listens', () => {
  it('is the user’s own service, then root’s, then that of its machine', () => {
    expect(podman({ TMPDIR: '/t' })).toEqual([
      '/run/user/1000/podman/podman.sock',
      '/run/podman/podman.sock',
      '/t/podman/podman-machine-default-api.sock',
      join(home, '.local/share/containers/podman/machine/podman.sock'),
    ])
  })

  it('is what CONTAINER_HOST says', () => {
    expect(podman({ CONTAINER_HOST: 'unix:///p.sock' })).toEqual(['/p.sock'])
    expect(podman({ CONTAINER_HOST: 'ssh://far/run/p.sock' })).toEqual([])
  })
})
