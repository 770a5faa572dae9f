// SPDX-License-Identifier: Apache-2.0
// Registries whose manifests and configs lie: about digests, sizes, numbers of layers, and where layers are.
import { describe, expect, it } from 'vitest'
import { MicrovmError } from '../../../../src/contract/errors'
import {
  OCI_CONFIG,
  OCI_INDEX,
  OCI_LAYER,
  OCI_MANIFEST,
} from '../../../../src/main/image/media-types'
import { listTree } from './support/make-tree'
import { filesIn, useStore } from './support/store-fixture'
import { layerOf, sha256, tarOf } from './support/tar-bytes'

const fixture = useStore()
const DOCKER_LAYER = 'application/vnd.docker.image.rootfs.diff.tar.gzip'
const DOCKER_FOREIGN = 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip'

const first = layerOf(tarOf({ name: 'first', data: '1' }))
const second = layerOf(tarOf({ name: 'second', data: '2' }))
const other = sha256(Buffer.from('other'))

interface Descriptor {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
  readonly [more: string]: unknown
}
type Json = Record<string, unknown>
interface Lie {
  readonly config?: (config: Json) => unknown
  readonly configDescriptor?: (descriptor: Descriptor) => unknown
  readonly layers?: (layers: readonly Descriptor[]) => unknown
  readonly manifest?: (manifest: Json) => unknown
}

/** Publishes an image of two layers that lies. @returns its tree, or the error's code */
async function pull(lie: Lie): Promise<string[] | string> {
  const { repository, server, storeWith, paths } = fixture
  const config: Json = {
    os: 'linux',
    architecture: 'amd64',
    rootfs: { type: 'layers', diff_ids: [first.diffId, second.diffId] },
  }
  const bytes = Buffer.from(JSON.stringify(lie.config?.(config) ?? config))
  const about = { ...repository.add(bytes), mediaType: OCI_CONFIG }
  const layers = [first, second].map(({ blob }) => ({
    ...repository.add(blob),
    mediaType: `${OCI_LAYER}+gzip`,
  }))
  const manifest = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: lie.configDescriptor?.(about) ?? about,
    layers: lie.layers?.(layers) ?? layers,
  }
  repository.addJson(lie.manifest?.(manifest) ?? manifest, OCI_MANIFEST, 'v1')
  const store = storeWith()
  const reference = `${server.host}/acme/app:v1`
  try {
    const image = await store.pull(reference, {})
    return listTree(await store.tree(image))
  } catch (error) {
    const { code, message } = MicrovmError.from(error)
    expect(code, message).not.toBe('INTERNAL')
    expect(await store.list()).toEqual([])
    expect(filesIn(paths.refs)).toEqual([])
    expect(filesIn(paths.layers).filter((name) => /\.(?:tmp|part)$/.test(name))).toEqual([])
    return code
  }
}

const withIds =
  (...ids: unknown[]) =>
  (config: Json) => ({ ...config, rootfs: { diff_ids: ids } })
const withSize = (size: unknown) => (layers: readonly Descriptor[]) => [
  { ...layers[0], size },
  layers[1],
]
const INVALID = 'IMAGE_INVALID'

describe('a config that has', () => {
  it.each<[string, Lie['config'], string]>([
    ['too few layers', withIds(first.diffId), INVALID],
    ['too many layers', withIds(first.diffId, second.diffId, second.diffId), INVALID],
    ['no layers', (config) => ({ ...config, rootfs: {} }), INVALID],
    ['no file system', (config) => ({ ...config, rootfs: undefined }), INVALID],
    ['layers in the wrong order', withIds(second.diffId, first.diffId), 'DIGEST_MISMATCH'],
    ['a digest of something else', withIds(first.diffId, other), 'DIGEST_MISMATCH'],
    ['the blob’s digest for the tar’s', withIds(first.digest, second.diffId), 'DIGEST_MISMATCH'],
    ['a digest that names a file', withIds('sha256:../../../etc/passwd', second.diffId), INVALID],
    ['a digest in capitals', withIds(first.diffId.toUpperCase(), second.diffId), INVALID],
    ['a digest of another kind', withIds(`md5:${'0'.repeat(32)}`, second.diffId), INVALID],
    ['a million layers', withIds(...Array.from({ length: 20_000 }, () => first.diffId)), INVALID],
    [
      'more than 8 MiB',
      (config) => ({ ...config, x: 'x'.repeat(9 * 1024 * 1024) }),
      'IMAGE_TOO_LARGE',
    ],
    ['a command of objects', (config) => ({ ...config, config: { Cmd: [{}] } }), INVALID],
    ['a command with a NUL', (config) => ({ ...config, config: { Cmd: ['a\0b'] } }), INVALID],
    ['another platform', (config) => ({ ...config, architecture: 's390x' }), 'IMAGE_PLATFORM'],
    ['Windows', (config) => ({ ...config, os: 'windows' }), 'IMAGE_PLATFORM'],
    ['nothing of an object', () => [], INVALID],
    ['a text', () => 'config', INVALID],
  ])('%s is refused', async (_what, config, code) => {
    expect(await pull({ config: config! })).toBe(code)
  })

  it('keys of JavaScript’s own changes nothing in us', async () => {
    const config = (own: Json): unknown =>
      JSON.parse(
        JSON.stringify(own).replace('{', '{"__proto__":{"polluted":1},"constructor":{"x":1},'),
      )
    expect(await pull({ config })).toEqual(['first=1', 'second=1'])
    expect(({} as Json)['polluted']).toBeUndefined()
  })
})

describe('a manifest that has', () => {
  it.each<[string, Lie, string]>([
    ['a negative size', { layers: withSize(-1) }, INVALID],
    ['a size with a point', { layers: withSize(1.5) }, INVALID],
    ['a size beyond all numbers', { layers: withSize(1e300) }, INVALID],
    ['a size that is a text', { layers: withSize('12') }, INVALID],
    ['a size beyond the disk', { layers: withSize(2 ** 52) }, 'DISK_FULL'],
    [
      'a size that is too small by one',
      { layers: withSize(first.blob.length - 1) },
      'DIGEST_MISMATCH',
    ],
    [
      'a config that is said to be huge',
      { configDescriptor: (own) => ({ ...own, size: 2 ** 40 }) },
      INVALID,
    ],
    [
      'a digest that names a file',
      { layers: (own) => [{ ...own[0], digest: 'sha256:../../x' }] },
      INVALID,
    ],
    [
      'a digest that leads to another address',
      { layers: (own) => [{ ...own[0], digest: 'sha256:x?y=http://evil' }] },
      INVALID,
    ],
    [
      'a layer that is not there',
      { layers: (own) => [own[0], { ...own[1], digest: other }] },
      'IMAGE_NOT_FOUND',
    ],
    ['more layers than the config', { layers: (own) => [...own, own[0]] }, INVALID],
    ['no layers', { layers: () => [] }, INVALID],
    [
      'more than a thousand layers',
      { layers: (own) => Array.from({ length: 1001 }, () => own[0]) },
      INVALID,
    ],
    ['an index in it, too', { manifest: (own) => ({ ...own, manifests: [] }) }, INVALID],
    ['the version of another time', { manifest: (own) => ({ ...own, schemaVersion: 1 }) }, INVALID],
    ['the name of an index', { manifest: (own) => ({ ...own, mediaType: OCI_INDEX }) }, INVALID],
    [
      'more than 4 MiB',
      { manifest: (own) => ({ ...own, x: 'x'.repeat(5 * 1024 * 1024) }) },
      'IMAGE_TOO_LARGE',
    ],
  ])('%s is refused', async (_what, lie, code) => {
    expect(await pull(lie)).toBe(code)
  })

  it('the same layer twice applies it twice', async () => {
    const outcome = await pull({
      config: withIds(first.diffId, first.diffId),
      layers: (own) => [own[0], own[0]],
    })
    expect(outcome).toEqual(['first=1'])
    expect(filesIn(fixture.paths.layers)).toHaveLength(3)
  })

  it('addresses of layers elsewhere is never taken there', async () => {
    const urls = [`${fixture.server.origin}/elsewhere`, 'file:///etc/passwd']
    const foreign = { mediaType: DOCKER_FOREIGN, urls }
    expect(await pull({ layers: (own) => [{ ...own[0], ...foreign }, own[1]] })).toEqual([
      'first=1',
      'second=1',
    ])
    expect(
      fixture.server.asked.map(({ url }) => url).filter((url) => url.includes('elsewhere')),
    ).toEqual([])
  })

  it('a wrong word for how its layers are packed is read nevertheless', async () => {
    const types = [DOCKER_LAYER, `${OCI_LAYER}+zstd`]
    expect(
      await pull({ layers: (own) => own.map((one, i) => ({ ...one, mediaType: types[i] })) }),
    ).toEqual(['first=1', 'second=1'])
  })

  it('indexes that name each other comes to an end', async () => {
    const { repository, server, storeWith } = fixture
    let inner = repository.addJson({ schemaVersion: 2, manifests: [] }, OCI_INDEX)
    for (let i = 0; i < 10; i++)
      inner = repository.addJson({ schemaVersion: 2, manifests: [inner] }, OCI_INDEX, 'v1')
    await expect(storeWith().pull(`${server.host}/acme/app:v1`, {})).rejects.toMatchObject({
      code: INVALID,
    })
  })
})
