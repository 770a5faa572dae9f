// SPDX-License-Identifier: Apache-2.0
// What the built command saves is read by other tools, and is what went in.
import { execFile } from 'node:child_process'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeCli, type Cli } from '../support/cli'
import { debianImage, type DebianImage } from '../support/debian-image'

const run = promisify(execFile)
const listing = resolve(import.meta.dirname, '../support/listing.sh')

let cli: Cli
let debian: DebianImage
let dir: string
beforeAll(async () => {
  cli = await makeCli()
  debian = await debianImage()
  dir = await mkdtemp(join(tmpdir(), 'image-export-'))
  await cli.ok(['import', '--name', 'debian:saved', debian.layout])
})
afterAll(async () => {
  await cli.dispose()
  await rm(dir, { recursive: true, force: true })
})

interface Inspected {
  readonly Layers: readonly string[]
}
const inspect = async (image: string): Promise<Inspected> =>
  JSON.parse((await run('skopeo', ['inspect', image])).stdout) as Inspected
const inspectOurs = async (): Promise<{ layers: { diffId: string }[] }> =>
  JSON.parse(await cli.ok(['image', 'inspect', 'debian:saved'])) as { layers: { diffId: string }[] }
const loadAgain = async (archive: string): Promise<{ ownSize: number }> =>
  JSON.parse(await cli.ok(['image', 'load', '--json', '--name', 'debian:again', archive])) as {
    ownSize: number
  }

describe('a saved image', () => {
  it('is unpacked by umoci to exactly the files of the original, owners and attributes too', async () => {
    const archive = join(dir, 'oci.tar')
    await cli.ok(['image', 'save', '--format', 'oci', '-o', archive, 'debian:saved'])
    const layout = join(dir, 'layout')
    const from = `oci-archive:${archive}`
    await run('skopeo', ['copy', '--insecure-policy', '--quiet', from, `oci:${layout}:saved`])
    await run('umoci', ['unpack', '--image', `${layout}:saved`, join(dir, 'bundle')])
    const root = join(dir, 'bundle', 'rootfs')
    await cp(listing, join(root, 'tmp', 'listing.sh'))
    const { stdout } = await run('chroot', [root, '/bin/sh', '/tmp/listing.sh'], {
      maxBuffer: 2 ** 28,
    })
    expect(stdout).toBe(debian.expectedListing)
  })

  it('is read by skopeo as a docker archive, layers under the digests they had', async () => {
    const archive = join(dir, 'docker.tar')
    await cli.ok(['image', 'save', '-o', archive, 'debian:saved'])
    const view = await inspectOurs()
    const { Layers } = await inspect(`docker-archive:${archive}`)
    expect(Layers).toEqual(view.layers.map(({ diffId }) => diffId))
    // Loaded again it is the same image with one more name: no layer is stored twice.
    const loaded = await loadAgain(archive)
    expect(loaded.ownSize).toBe(0)
  })
})
