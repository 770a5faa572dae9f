// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, describe, expect, it } from 'vitest'
import { openBlob } from '../../../../../src/main/image/layers/blob-source'
import { importedName, withImageFile } from '../../../../../src/main/image/formats/image-file'
import type { FoundImage } from '../../../../../src/main/image/formats/oci-layout'
import { layoutFiles, makeImage, tarOfFiles, writeLayout } from '../support/make-image'
import { sha256, tarOf } from '../support/tar-bytes'

const root = mkdtempSync(join(tmpdir(), 'image-file-'))
afterAll(() => rmSync(root, { recursive: true }))
let turn = 0
const fresh = (): string => join(root, String(turn++))
const platform = { os: 'linux', architecture: 'amd64' }
const image = makeImage([[{ name: 'a', data: 'one' }], [{ name: 'b', data: 'two' }]])

interface Opened {
  name: string | undefined
  digest: string
  layers: Buffer[]
}

/** Resolves the image at a path and reads all of its layers. */
async function openImage(path: string, reference?: string): Promise<Opened> {
  const temp = fresh()
  const choice = { platform, ...(reference === undefined ? {} : { reference }) }
  const use = async ({ content, name }: FoundImage): Promise<Opened> => {
    const layers = []
    for (const { source } of content.layers) {
      const chunks = []
      for await (const chunk of openBlob(source, new AbortController().signal)) chunks.push(chunk)
      layers.push(Buffer.concat(chunks))
    }
    return { name, digest: content.digest, layers }
  }
  try {
    return await withImageFile(path, temp, choice, use)
  } finally {
    expect(existsSync(temp)).toBe(false)
  }
}

function fileOf(bytes: Buffer): string {
  const path = fresh()
  writeFileSync(path, bytes)
  return path
}
const files = (): Map<string, Buffer> => layoutFiles([{ image, name: 'v1' }])

describe('an image on disk', () => {
  it.each<[string, (tar: Buffer) => Buffer]>([
    ['a plain tar', (tar) => tar],
    ['a gzipped one', (tar) => gzipSync(tar)],
  ])('is made of one layer by %s of a system’s files', async (_what, pack) => {
    const tar = tarOf({ name: './', flag: '5' }, { name: './etc/hostname', data: 'box' })
    const opened = await openImage(fileOf(pack(tar)))
    expect(opened.name).toBeUndefined()
    expect(opened.layers).toEqual([tar])
    expect((await openImage(fileOf(pack(tar)))).digest).toBe(opened.digest)
  })

  it.each<[string, () => string]>([
    ['a folder with an OCI layout', () => writeLayout(fresh(), { image, name: 'v1' })],
    ['an archive of one', () => fileOf(tarOfFiles(files()))],
    ['a gzipped archive of one', () => fileOf(gzipSync(tarOfFiles(files())))],
    [
      'an archive whose names begin with ./',
      () => fileOf(tarOfFiles(new Map([...files()].map(([n, d]) => [`./${n}`, d])))),
    ],
  ])('can be %s', async (_what, make) => {
    const { name, digest, layers } = await openImage(make())
    expect(name).toBe('v1')
    expect(digest).toBe(image.manifest.digest)
    expect(layers.map((bytes) => sha256(bytes))).toEqual([...image.blobs.keys()].slice(1, 3))
  })

  it('can be a docker save archive, with links among its files', async () => {
    const [one, two] = image.tars
    const manifest = [
      {
        Config: 'c.json',
        RepoTags: ['acme/app:3'],
        Layers: ['1/layer.tar', '2/layer.tar', '3/layer.tar'],
      },
    ]
    const three = makeImage([
      [{ name: 'a', data: 'one' }],
      [{ name: 'b', data: 'two' }],
      [{ name: 'a', data: 'one' }],
    ])
    const archive = tarOfFiles(
      new Map([
        ['1/layer.tar', one!],
        ['2/layer.tar', two!],
        ['c.json', three.config],
        ['manifest.json', Buffer.from(JSON.stringify(manifest))],
      ]),
      [{ name: '3/layer.tar', flag: '2', link: '../1/layer.tar' }],
    )
    const { name, layers } = await openImage(fileOf(archive))
    expect(name).toBe('acme/app:3')
    expect(layers.map((bytes) => sha256(bytes))).toEqual(three.diffIds)
  })

  it('is chosen by name when there are several', async () => {
    const other = makeImage([[{ name: 'other' }]])
    const path = writeLayout(
      fresh(),
      { image, name: 'v1' },
      { image: other, name: 'docker.io/acme/app:v2' },
    )
    expect((await openImage(path, 'v1')).digest).toBe(image.manifest.digest)
    expect((await openImage(path, 'acme/app:v2')).digest).toBe(other.manifest.digest)
    await expect(openImage(path)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('"v1", "docker.io/acme/app:v2"') as string,
    })
  })

  it('is chosen by platform when one name has several', async () => {
    const arm = makeImage([[{ name: 'arm' }]], { architecture: 'arm64' })
    const both = writeLayout(fresh(), { image: arm, name: 'v1' }, { image, name: 'v1' })
    expect((await openImage(both)).digest).toBe(image.manifest.digest)
    await expect(openImage(writeLayout(fresh(), { image: arm }))).rejects.toMatchObject({
      code: 'IMAGE_PLATFORM',
      message: expect.stringContaining('linux/arm64') as string,
    })
  })

  it('is refused when a blob is missing, of another size or another content', async () => {
    const [config, layer] = [...image.blobs.keys()].map(
      (digest) => `blobs/sha256/${digest.slice(7)}`,
    )
    for (const [name, bytes, code] of [
      [layer!, undefined, 'IMAGE_INVALID'],
      [layer!, Buffer.from('short'), 'IMAGE_INVALID'],
      [config!, Buffer.from('{}'), 'DIGEST_MISMATCH'],
    ] as const) {
      const changed = files()
      if (bytes) changed.set(name, bytes)
      else changed.delete(name)
      await expect(openImage(fileOf(tarOfFiles(changed)))).rejects.toMatchObject({ code })
    }
  })

  it('is refused when config and manifest tell of different layers', async () => {
    const wrong = makeImage([[{ name: 'a' }]], { diffIds: [] })
    await expect(openImage(writeLayout(fresh(), { image: wrong }))).rejects.toMatchObject({
      code: 'IMAGE_INVALID',
    })
  })

  it('cannot name a file of this host', async () => {
    const secret = fileOf(Buffer.from('secret'))
    const archive = (layer: string, extra: Parameters<typeof tarOfFiles>[1] = []): string =>
      fileOf(
        tarOfFiles(
          new Map([
            ['manifest.json', Buffer.from(JSON.stringify([{ Config: 'c.json', Layers: [layer] }]))],
            ['c.json', makeImage([[{ name: 'a' }]]).config],
          ]),
          extra,
        ),
      )
    const up = `${'../'.repeat(20)}${secret.slice(1)}`
    for (const path of [
      archive(secret),
      archive(up),
      archive('l', [{ name: 'l', flag: '2', link: secret }]),
      archive('l', [{ name: 'l', flag: '2', link: up }]),
      archive('l', [{ name: 'l', flag: '1', link: secret }]),
      archive('l', [{ name: 'l', flag: '2', link: 'l' }]),
    ])
      await expect(openImage(path)).rejects.toMatchObject({ code: 'IMAGE_INVALID' })
  })

  it.each<[string, () => string, string]>([
    ['nothing', () => join(root, 'missing'), 'NOT_FOUND'],
    [
      'an empty folder',
      () => (mkdirSync(join(root, 'empty')), join(root, 'empty')),
      'IMAGE_INVALID',
    ],
    ['an empty file', () => fileOf(Buffer.alloc(0)), 'IMAGE_INVALID'],
    ['a tar of something else', () => fileOf(tarOf({ name: 'photos/cat' })), 'IMAGE_INVALID'],
    ['text', () => fileOf(Buffer.from('hello '.repeat(1000))), 'IMAGE_INVALID'],
    ['gzipped text', () => fileOf(gzipSync('hello '.repeat(1000))), 'IMAGE_INVALID'],
    ['half an archive', () => fileOf(tarOfFiles(files()).subarray(0, 3000)), 'IMAGE_INVALID'],
    [
      'half a gzip stream',
      () => fileOf(gzipSync(tarOfFiles(files())).subarray(0, 500)),
      'IMAGE_INVALID',
    ],
    ['a device', () => '/dev/null', 'IMAGE_INVALID'],
  ])('is refused when it is %s', async (_what, make, code) => {
    await expect(openImage(make())).rejects.toMatchObject({ code })
  })

  it('is read where it lies: a plain archive is not copied', async () => {
    const path = fileOf(tarOfFiles(files()))
    await withImageFile(path, fresh(), { platform }, async ({ content }) => {
      for (const { source, digest } of content.layers) {
        if (source.kind !== 'file') throw new Error('not a file')
        expect(source.path).toBe(path)
        const bytes = readFileSync(path).subarray(source.offset, source.offset + source.size)
        expect(sha256(bytes)).toBe(digest)
      }
    })
  })
})

describe('the name of an imported image', () => {
  it.each([
    ['acme/app:3', '/x/file.tar', 'acme/app:3'],
    ['v1', '/x/My Image.tar.gz', 'my-image:v1'],
    [undefined, '/x/worker.tar', 'worker'],
    [undefined, '/x/worker.oci.tar', 'worker'],
    [undefined, '/x/worker.tgz', 'worker'],
    [undefined, '/x/layout', 'layout'],
    [undefined, '/x/日本.tar', 'image'],
    ['latest', '/x/日本.tar', 'image:latest'],
    ['NOT A NAME!', '/x/worker.tar', 'worker'],
  ])('that brings %s in %s is %s', (name, path, expected) => {
    expect(importedName(name, path)).toBe(expected)
  })
})
