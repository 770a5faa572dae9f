// SPDX-License-Identifier: Apache-2.0
// An image store with a folder and a registry of its own for each test.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, vi, type Mock } from 'vitest'
import {
  createImageStore,
  type ImageStore,
  type ImageStoreDeps,
} from '../../../../../src/main/image/image-store'
import { ingestLayer } from '../../../../../src/main/image/layers/layer-ingest'
import { dataPaths, type DataPaths } from '../../../../../src/main/lib/data-paths'
import { silentLogger, type Logger } from '../../../../../src/main/lib/logger'
import { makeImage, type MadeImage } from './make-image'
import { Repository, startServer, type ScriptedServer } from './scripted-registry'

/** The first layer of both images. */
export const shared = [{ name: 'etc/base', data: 'b'.repeat(50_000) }]
/** Two layers, the second one takes the content of the first away. */
export const debian = makeImage([shared, [{ name: 'etc/.wh.base' }, { name: 'app', data: 'app' }]])
/** The same first layer, and another second one. */
export const other = makeImage([shared, [{ name: 'other', data: 'o'.repeat(9000) }]])

export interface StoreFixture {
  /** New in each test. */
  paths: DataPaths['images']
  server: ScriptedServer
  repository: Repository
  readonly warn: Mock<Logger['warn']>
  storeWith(deps?: Partial<ImageStoreDeps>): ImageStore
  /** Puts an image where the registry serves it. @returns its reference */
  publish(image: MadeImage, tag: string): string
  /** A folder name not used before. */
  freshFolder(): string
}

/** To be called once, at the top of a test file. */
export function useStore(): StoreFixture {
  const root = mkdtempSync(join(tmpdir(), 'image-store-'))
  let turn = 0
  const fixture: StoreFixture = {
    paths: dataPaths(root).images,
    server: undefined as unknown as ScriptedServer,
    repository: new Repository(),
    warn: vi.fn<Logger['warn']>(),
    storeWith: (deps = {}) =>
      createImageStore({
        paths: fixture.paths,
        starterLayout: undefined,
        logger: { ...silentLogger, warn: fixture.warn },
        arch: 'x64',
        ingest: ingestLayer,
        ...deps,
      }),
    publish(image, tag) {
      const { digest, mediaType } = image.manifest
      for (const [name, bytes] of image.blobs)
        fixture.repository.add(bytes, name === digest ? mediaType : undefined)
      fixture.repository.add(image.blobs.get(digest)!, mediaType, tag)
      return `${fixture.server.host}/acme/app:${tag}`
    },
    freshFolder: () => join(root, String(turn++)),
  }
  beforeEach(async () => {
    fixture.warn.mockReset()
    fixture.paths = dataPaths(fixture.freshFolder()).images
    fixture.repository = new Repository()
    fixture.server = await startServer(fixture.repository.answer)
  })
  afterEach(() => fixture.server.close())
  afterAll(() => rmSync(root, { recursive: true }))
  return fixture
}

/** Names in a folder, sorted; none if it does not exist. */
export function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder).toSorted()
  } catch {
    return []
  }
}
