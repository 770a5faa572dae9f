// SPDX-License-Identifier: Apache-2.0
// Images that only Podman or Docker on this computer has, from a real one of each.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ImageView } from '../../src/contract/images'
import { makeCli, type Cli } from '../support/cli'
import { startDocker, startPodman, type Daemon } from '../support/daemon'
import { startRegistry } from '../support/registry'
import { makeImage, writeLayout } from '../unit/main/image/support/make-image'
import { dockerArchive } from '../unit/main/image/support/scripted-daemon'
import { sha256 } from '../unit/main/image/support/tar-bytes'

const starts = { Podman: startPodman, Docker: startDocker }

describe.each(['Podman', 'Docker'] as const)('an image that only %s has', (name) => {
  let dir: string
  let cli: Cli
  let started: Daemon | string
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'microvm-daemon-'))
    started = await starts[name]()
    cli = await makeCli({ env: typeof started === 'string' ? {} : started.env })
  })
  afterAll(async () => {
    await cli.dispose()
    if (typeof started !== 'string') await started.stop()
    await rm(dir, { recursive: true })
  })

  it('is there when a machine needs it, and is what an import of its archive gives', async (context) => {
    if (typeof started === 'string') return context.skip(started)
    const archive = join(dir, 'starter.tar')
    await cli.ok(['image', 'save', 'starter', '--output', archive])
    await started.load(archive, 'starter:latest', 'docker.io/library/only-here:v1')
    // One machine is enough: from here on, where the image came from makes no difference.
    const isRun = name === 'Podman'
    const running = ['run', '--rm', 'only-here:v1', '--', 'cat', '/etc/os-release']
    const ran = await cli.run(isRun ? running : ['pull', '--local', 'only-here:v1'])
    const stdout = expect.stringContaining(isRun ? 'NAME=' : 'only-here:v1') as string
    expect(ran).toMatchObject({ code: 0, stdout })
    expect(ran.stderr).toContain(`Copying only-here:v1 from ${name}\n`)
    await writeFile(join(dir, 'saved.tar'), await started.save('docker.io/library/only-here:v1'))
    await cli.ok(['import', join(dir, 'saved.tar'), '--name', 'imported'])
    const images = await cli.json<ImageView[]>(['images'])
    const [got, imported, starter] = ['only-here:v1', 'imported', 'starter'].map((reference) =>
      images.find((image) => image.reference === reference),
    )
    expect(got).toMatchObject({ digest: imported?.digest, config: starter?.config })
    expect(diffIdsOf(got!)).toEqual(diffIdsOf(starter!))
  })

  it('is left alone by a pull, which asks the registry unless told not to', async (context) => {
    if (typeof started === 'string') return context.skip(started)
    const registry = await startRegistry()
    const [old, present] = [madeOf('old'), madeOf('present')]
    try {
      const layout = writeLayout(join(dir, 'layout'), { image: present, name: 'present' })
      const reference = await registry.push(layout, 'present', 'acme/app:v1')
      const archive = join(dir, 'old.tar')
      await writeFile(archive, dockerArchive(old))
      await started.load(archive, sha256(old.config), reference)
      const pulled = await cli.json<ImageView>(['pull', reference])
      expect(diffIdsOf(pulled)).toEqual(present.diffIds)
      const local = await cli.json<ImageView>(['pull', '--local', reference])
      expect(diffIdsOf(local)).toEqual(old.diffIds)
      // Neither daemon keeps the manifest that the registry has.
      const pinned = `${reference}@${pulled.digest}`
      const refused = await cli.run(['pull', '--local', pinned])
      expect(refused).toMatchObject({
        code: 125,
        stderr: expect.stringContaining('is not to be had'),
      })
      expect(await cli.json<ImageView>(['pull', pinned])).toMatchObject({ digest: pulled.digest })
    } finally {
      await registry.stop()
    }
  })
})

const madeOf = (text: string) =>
  makeImage([[{ name: 'etc/base', data: 'b'.repeat(9000) }], [{ name: text, data: text }]])
const diffIdsOf = ({ layers }: ImageView): string[] => layers.map(({ diffId }) => diffId)
