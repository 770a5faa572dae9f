// SPDX-License-Identifier: Apache-2.0
// Fetchers of a library's user: in which order they are asked, and what is made of what they hand over.
import { writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { MicrovmError } from '../../../../src/contract/errors'
import type { Progress } from '../../../../src/contract/images'
import type {
  FetchedImage,
  FetchOutcome,
  ImageFetcher,
  ImageRequest,
} from '../../../../src/main/image/fetcher'
import { resolveContent, type ImageContent } from '../../../../src/main/image/image-content'
import {
  plainRegistryDeps,
  registryFetcher,
} from '../../../../src/main/image/registry/registry-image'
import { writeLayout, type MadeImage } from './support/make-image'
import { dockerArchive } from './support/scripted-daemon'
import { debian, filesIn, other, useStore } from './support/store-fixture'

const fixture = useStore()

type Fetch = (request: ImageRequest) => Promise<FetchedImage | string>
const asked: string[] = []
/** @param fetch gives the image, or says why there is none */
const fetcher = (name: string, fetch: Fetch, place: ImageFetcher['place'] = 'remote') =>
  ({
    name,
    place,
    fetch: async (request, store): Promise<FetchOutcome> => {
      asked.push(name)
      const image = await fetch(request)
      if (typeof image === 'string') return { found: false, why: image }
      await store(image)
      return { found: true }
    },
  }) satisfies ImageFetcher
const lacking = fetcher('the shelf', async () => 'is empty')
const failing = fetcher('the cache', () => Promise.reject(new Error('out of order')))
const registry = registryFetcher(plainRegistryDeps)

async function contentOf(image: MadeImage): Promise<ImageContent> {
  const folder = fixture.freshFolder()
  await mkdir(folder)
  const path = (digest: string): string => join(folder, digest.slice(7))
  for (const [digest, bytes] of image.blobs) writeFileSync(path(digest), bytes)
  const start = { bytes: image.blobs.get(image.manifest.digest)!, digest: image.manifest.digest }
  return resolveContent(
    {
      manifest: async () => start,
      smallBlob: async ({ digest }) => image.blobs.get(digest)!,
      source: ({ digest, size }) => ({ kind: 'file', path: path(digest), offset: 0, size }),
    },
    start,
    { os: 'linux', architecture: 'amd64' },
  )
}

describe('fetchers', () => {
  it('are asked in their order until one has the image, those after it not at all', async () => {
    const content = await contentOf(debian)
    const own = fetcher('the vault', async () => ({ kind: 'content', content, from: 'the vault' }))
    const progress: Progress[] = []
    asked.length = 0
    const store = fixture.storeWith({ fetchers: [lacking, failing, own, registry] })
    const { view } = await store.pull('acme/app', { onProgress: (told) => progress.push(told) })
    expect(view).toMatchObject({ reference: 'acme/app', digest: debian.manifest.digest })
    expect(asked).toEqual(['the shelf', 'the cache', 'the vault'])
    const messages = new Set(progress.map(({ message }) => message))
    expect([...messages]).toEqual([
      'Pulling acme/app',
      'the cache: out of order. Trying elsewhere',
      'Pulling acme/app from the vault',
    ])
    expect(fixture.warn).toHaveBeenCalledOnce()
  })

  it('may give a folder, a file or a stream, whatever an import takes', async () => {
    const folder = writeLayout(fixture.freshFolder(), { image: debian, name: 'whatever' })
    const file = fixture.freshFolder()
    writeFileSync(file, dockerArchive(debian))
    async function* archive() {
      yield dockerArchive(debian)
    }
    const images: FetchedImage[] = [
      { kind: 'path', path: folder },
      { kind: 'path', path: file },
      { kind: 'archive', archive: archive() },
    ]
    for (const [index, image] of images.entries()) {
      const store = fixture.storeWith({ fetchers: [fetcher('own', async () => image)] })
      const { view } = await store.pull(`acme/app:v${index}`, {})
      expect(view.layers.map(({ diffId }) => diffId)).toEqual(debian.diffIds)
    }
    expect(filesIn(file.slice(0, file.lastIndexOf('/')))).toContain(file.split('/').at(-1))
  })

  it.each<[string, (content: ImageContent, name: ImageContent) => Partial<FetchedImage>]>([
    [
      'a manifest under another digest',
      (content, { digest }) => ({ content: { ...content, digest } }),
    ],
    ['another config', (content, { config }) => ({ content: { ...content, config } })],
    ['too few layers', (content) => ({ content: { ...content, layers: content.layers.slice(1) } })],
    ['layers of another', (content, { layers }) => ({ content: { ...content, layers } })],
    [
      'layers in disorder',
      (content) => ({ content: { ...content, layers: content.layers.toReversed() } }),
    ],
    ['another image than it said', (content, { digest: id }) => ({ content, id })],
  ])('are refused for %s, and nothing is stored', async (_what, change) => {
    const [content, another] = [await contentOf(debian), await contentOf(other)]
    const image = { kind: 'content', content, ...change(content, another) } as FetchedImage
    const store = fixture.storeWith({ fetchers: [fetcher('own', async () => image)] })
    await expect(store.pull('acme/app', {})).rejects.toMatchObject({
      code: expect.stringMatching(/^(?:DIGEST_MISMATCH|IMAGE_INVALID)$/) as string,
    })
    expect(await store.list()).toEqual([])
    expect(filesIn(fixture.paths.layers)).toEqual([])
  })

  it('are refused for an image of another digest than the reference names', async () => {
    const content = await contentOf(debian)
    const own = fetcher('own', async () => ({ kind: 'content', content }))
    const store = fixture.storeWith({ fetchers: [own] })
    const pinned = `acme/app@${other.manifest.digest}`
    await expect(store.pull(pinned, {})).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' })
    const right = `acme/app@${debian.manifest.digest}`
    expect((await store.pull(right, {})).view.reference).toBe(right)
  })
})

describe('an image that nobody gives', () => {
  const pulled = (...fetchers: ImageFetcher[]) =>
    fixture
      .storeWith({ fetchers })
      .pull('acme/app', {})
      .catch((error: unknown) => error)
  const denying = fetcher('the registry', () =>
    Promise.reject(new MicrovmError('REGISTRY_DENIED', 'it is not for you', { hint: 'Sign in.' })),
  )

  it('is not found if all of them say so, in their words', async () => {
    expect(
      await pulled(
        lacking,
        fetcher('the attic', async () => 'is locked'),
      ),
    ).toMatchObject({
      code: 'IMAGE_NOT_FOUND',
      message: 'pull acme/app: acme/app is not to be had: the shelf is empty; the attic is locked',
    })
    expect(await pulled()).toMatchObject({ code: 'IMAGE_NOT_FOUND' })
  })

  it('fails with the error of the only one that failed', async () => {
    expect(await pulled(lacking, denying, lacking)).toMatchObject({
      code: 'REGISTRY_DENIED',
      message: 'pull acme/app: it is not for you',
      hint: 'Sign in.',
    })
  })

  it('fails with why the one that broke did, rather than with that another knows nothing of it', async () => {
    expect(await pulled(failing, denying)).toMatchObject({
      code: 'INTERNAL',
      message: 'pull acme/app: the cache: out of order (the registry: it is not for you)',
    })
  })

  it('fails with the same words once if all of them failed with these', async () => {
    expect(await pulled(failing, failing)).toMatchObject({ message: 'pull acme/app: out of order' })
  })

  it('is not asked for any more once the pull is cancelled', async () => {
    asked.length = 0
    const cancel = new AbortController()
    const slow = fetcher('slow', async () => {
      cancel.abort()
      throw new Error('whatever follows from it')
    })
    const pulling = fixture.storeWith({ fetchers: [slow, failing] })
    await expect(pulling.pull('acme/app', { signal: cancel.signal })).rejects.toMatchObject({
      code: 'CANCELLED',
    })
    expect(asked).toEqual(['slow'])
  })
})
