// SPDX-License-Identifier: Apache-2.0
// The engine as a library that takes images from a place of its own: a folder with an archive of each,
// before Docker, Podman and the registries are asked. Here, FOLDER/acme/app_v1.tar is acme/app:v1.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createEngine, type Engine } from '../../src/main/engine'
import type { ImageFetcher } from '../../src/main/image/fetcher'

export const shelf = (folder: string): ImageFetcher => ({
  name: 'the shelf',
  place: 'local',
  async fetch({ reference: { digest, repository, tag } }, store) {
    const path = join(folder, `${repository}_${tag}.tar`)
    if (digest !== undefined || !existsSync(path)) return { found: false, why: `has no ${path}` }
    // Whatever `microvm import` takes; every byte of it is checked, and nothing of it is believed.
    await store({ kind: 'path', path, from: 'the shelf' })
    return { found: true }
  },
})

export const engineWithShelf = (dataDir: string, folder: string): Promise<Engine> =>
  createEngine({
    dataDir,
    env: process.env,
    fetchers: (usual) => [shelf(folder), ...usual],
  })
