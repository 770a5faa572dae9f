// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { engineWithShelf, shelf } from '../../../docs/examples/own-fetcher'
import { makeImage } from '../main/image/support/make-image'
import { dockerArchive } from '../main/image/support/scripted-daemon'
import { useStore } from '../main/image/support/store-fixture'

const fixture = useStore()
const image = makeImage([[{ name: 'app', data: 'app' }]])

describe('the example of a fetcher of one’s own', () => {
  it('gives the images on its shelf and no others', async () => {
    const folder = fixture.freshFolder()
    mkdirSync(join(folder, 'acme'), { recursive: true })
    writeFileSync(join(folder, 'acme/app_v1.tar'), dockerArchive(image))
    const store = fixture.storeWith({ fetchers: [shelf(folder)] })
    const { view } = await store.ensure('acme/app:v1', {})
    expect(view.layers.map(({ diffId }) => diffId)).toEqual(image.diffIds)
    await expect(store.ensure('acme/app:v2', {})).rejects.toMatchObject({
      code: 'IMAGE_NOT_FOUND',
      message: expect.stringContaining('the shelf has no') as string,
    })
  })

  it('comes before the usual places', async () => {
    for (const name of ['DOCKER_HOST', 'CONTAINER_HOST']) vi.stubEnv(name, 'none')
    const folder = fixture.freshFolder()
    const engine = await engineWithShelf(fixture.freshFolder(), folder)
    try {
      const asking = engine.images.pull('acme/app:v1', { from: 'local' })
      await expect(asking).rejects.toThrow(
        /the shelf has no .*; Docker is not here; Podman is not here/,
      )
    } finally {
      await engine.close()
      vi.unstubAllEnvs()
    }
  })
})
