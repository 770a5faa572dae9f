// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import type { Progress } from '../../../../src/contract/images'
import { ingestLayer } from '../../../../src/main/image/layers/layer-ingest'
import { OCI_INDEX } from '../../../../src/main/image/media-types'
import { makeImage, writeLayout, type MadeImage } from './support/make-image'
import { listTree } from './support/make-tree'
import { debian, filesIn, other, shared, useStore } from './support/store-fixture'
import { tarOf } from './support/tar-bytes'

const fixture = useStore()
const { storeWith, publish, freshFolder } = fixture
const layerFiles = (image: MadeImage): string[] =>
  image.diffIds
    .flatMap((id) => ['data', 'frame', 'index'].map((kind) => `${id.slice(7)}.${kind}`))
    .toSorted()

describe('pulling an image', () => {
  it('stores it so that it is found, listed and has its tree, also by another process', async () => {
    const reference = publish(debian, 'v1')
    const pulled = await storeWith({ now: () => 1234 }).pull(reference, {})
    expect(pulled.view).toMatchObject({
      reference,
      digest: debian.manifest.digest,
      platform: 'linux/amd64',
      pulledAt: 1234,
      createdAt: Date.parse('2024-01-01'),
      builtIn: false,
      layers: [
        { diffId: debian.diffIds[0], entries: 1, createdBy: 'step 1' },
        { diffId: debian.diffIds[1], entries: 2, createdBy: 'step 2' },
      ],
    })
    const store = storeWith()
    expect(await store.find(reference)).toEqual(pulled)
    const { digest } = debian.manifest
    for (const name of [digest, `${fixture.server.host}/acme/app@${digest}`]) {
      const { view, layers } = (await store.find(name))!
      expect(view).toEqual({ ...pulled.view, reference: digest, pulledAt: 0 })
      expect(layers).toEqual(pulled.layers)
      expect(await store.view(name)).toEqual({ ...pulled.view, ownSize: pulled.view.size })
    }
    expect(await store.list()).toEqual([await store.view(reference)])
    expect(listTree(await store.tree(pulled))).toEqual(['app=3', 'etc/'])
    expect(filesIn(fixture.paths.layers)).toEqual(layerFiles(debian))
  })

  it('takes the platform of this computer out of an index', async () => {
    const arm = makeImage([[{ name: 'arm' }]], { architecture: 'arm64' })
    publish(debian, 'amd')
    publish(arm, 'arm')
    const manifests = [arm.manifest, debian.manifest]
    const index = fixture.repository.addJson({ schemaVersion: 2, manifests }, OCI_INDEX, 'multi')
    const reference = `${fixture.server.host}/acme/app:multi`
    expect((await storeWith().pull(reference, {})).view.digest).toBe(debian.manifest.digest)
    expect((await storeWith({ arch: 'arm64' }).pull(reference, {})).view.platform).toBe(
      'linux/arm64',
    )
    const pinned = `${fixture.server.host}/acme/app@${index.digest}`
    expect((await storeWith().pull(pinned, {})).view).toMatchObject({
      reference: pinned,
      digest: debian.manifest.digest,
    })
  })

  it('refuses an image for other architectures and names them', async () => {
    const arm = makeImage([[{ name: 'arm' }]], { architecture: 'arm64' })
    const reference = publish(arm, 'arm')
    for (const manifests of [
      undefined,
      [arm.manifest, { ...arm.manifest, platform: { os: 'linux', architecture: 's390x' } }],
    ]) {
      if (manifests) fixture.repository.addJson({ schemaVersion: 2, manifests }, OCI_INDEX, 'arm')
      await expect(storeWith().pull(reference, {})).rejects.toMatchObject({
        code: 'IMAGE_PLATFORM',
        message: expect.stringContaining(
          manifests ? 'linux/arm64, linux/s390x' : 'linux/arm64',
        ) as string,
        hint: expect.stringContaining('amd64') as string,
      })
    }
    expect(filesIn(fixture.paths.layers)).toEqual([])
  })

  it('fetches no layer twice, and none that another image has', async () => {
    const store = storeWith()
    await Promise.all([store.pull(publish(debian, 'v1'), {}), store.pull(publish(other, 'v2'), {})])
    const blobs = fixture.server.asked
      .map(({ url }) => url)
      .filter((url) => url.includes('/blobs/'))
    expect(blobs.length).toBe(new Set(blobs).size)
    const states: string[] = []
    await store.pull(publish(debian, 'v3'), {
      onProgress: ({ layers }: Progress) =>
        states.push(...(layers ?? []).map(({ state }) => state)),
    })
    expect(states.at(-1)).toBe('reused')
  })

  it('tells how far it is, up to all of it', async () => {
    const told: Progress[] = []
    await storeWith().pull(publish(debian, 'v1'), { onProgress: (progress) => told.push(progress) })
    expect(told[0]).toMatchObject({
      stage: 'image',
      message: `Pulling ${fixture.server.host}/acme/app:v1`,
    })
    expect(told.at(-1)).toMatchObject({
      fraction: 1,
      layers: [{ state: 'done' }, { state: 'done' }],
    })
    const fractions = told.flatMap(({ fraction }) => fraction ?? [])
    expect(fractions).toEqual(fractions.toSorted((a, b) => a - b))
  })

  it('keeps the good layers, and nothing else, of an image with a bad one', async () => {
    const evil = makeImage([shared, [{ name: 'evil' }]], {
      diffIds: [debian.diffIds[0]!, debian.diffIds[1]!],
    })
    const reference = publish(evil, 'v1')
    await expect(storeWith().pull(reference, {})).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
      message: expect.stringContaining(`pull ${reference}: layer 2 of 2`) as string,
    })
    // The good one may or may not have been done before the bad one stopped it.
    const good = debian.diffIds[0]!.slice(7)
    const left = filesIn(fixture.paths.layers)
    expect(left.filter((name) => !name.startsWith(good))).toEqual([])
    expect([0, 3]).toContain(left.length)
    expect(filesIn(fixture.paths.refs)).toEqual([])
    expect(await storeWith().find(reference)).toBeUndefined()
  })

  it('leaves nothing half-done when cancelled', async () => {
    const cancelling = new AbortController()
    const reference = publish(debian, 'v1')
    const store = storeWith({
      ingest: async (job, options) => {
        writeFileSync(job.dataPath, 'half')
        cancelling.abort()
        options.signal.throwIfAborted()
        return ingestLayer(job, options)
      },
    })
    await expect(store.pull(reference, { signal: cancelling.signal })).rejects.toMatchObject({
      code: 'CANCELLED',
    })
    expect(filesIn(fixture.paths.layers)).toEqual([])
    expect(filesIn(fixture.paths.refs)).toEqual([])
  })

  it('gives a name to another image when the tag has moved, and keeps the old one by digest', async () => {
    const store = storeWith()
    const reference = publish(debian, 'v1')
    await store.pull(reference, {})
    publish(other, 'v1')
    expect((await store.ensure(reference, {})).view.digest).toBe(debian.manifest.digest)
    expect((await store.pull(reference, {})).view.digest).toBe(other.manifest.digest)
    const views = await store.list()
    expect(views.map(({ reference: name }) => name).toSorted()).toEqual(
      [reference, debian.manifest.digest].toSorted(),
    )
    expect((await store.find(debian.manifest.digest))!.layers).toHaveLength(2)
  })

  it('of the same name by two at once ends well for both', async () => {
    const reference = publish(debian, 'v1')
    const results = await Promise.all(
      [1, 2].map(() => storeWith({ now: () => 5 }).pull(reference, {})),
    )
    expect(results[0]).toEqual(results[1])
    expect(filesIn(fixture.paths.layers)).toEqual(layerFiles(debian))
  })

  it('may have many layers, whoever may cancel it', async () => {
    const many = makeImage(Array.from({ length: 25 }, (_, i) => [{ name: `f${i}` }]))
    const warned = vi.fn()
    process.on('warning', warned)
    const { signal } = new AbortController()
    const { layers } = await storeWith().pull(publish(many, 'v1'), { signal })
    await new Promise((resolve) => setImmediate(resolve))
    process.off('warning', warned)
    expect(layers).toHaveLength(25)
    expect(warned).not.toHaveBeenCalled()
  })

  it('by digest alone is not possible, by a wrong name neither', async () => {
    await expect(storeWith().ensure(debian.manifest.digest, {})).rejects.toMatchObject({
      code: 'IMAGE_NOT_FOUND',
    })
    await expect(storeWith().pull('Not A Name', {})).rejects.toMatchObject({
      code: 'REFERENCE_INVALID',
    })
    await expect(
      storeWith().pull(`${fixture.server.host}/acme/app:none`, {}),
    ).rejects.toMatchObject({
      code: 'IMAGE_NOT_FOUND',
    })
  })
})

describe('finding one image', () => {
  it('reads nothing of any other', async () => {
    const store = storeWith()
    const one = publish(debian, 'v1')
    await store.pull(one, {})
    await store.pull(publish(other, 'v2'), {})
    const others = [fixture.paths.refs, fixture.paths.manifests].flatMap((folder) =>
      filesIn(folder).map((name) => join(folder, name)),
    )
    const isOfOne = (path: string): boolean =>
      /v1|\.config\.json$/.test(path) || path.includes(debian.manifest.digest.slice(7))
    // Whoever reads one of these says so, and sets it aside.
    for (const path of others.filter((name) => !isOfOne(name))) writeFileSync(path, 'damaged')
    expect((await store.find(one))!.layers).toHaveLength(2)
    expect((await store.find(debian.manifest.digest))!.layers).toHaveLength(2)
    expect(fixture.warn).not.toHaveBeenCalled()
    expect(await store.list()).toHaveLength(1)
    expect(fixture.warn).toHaveBeenCalled()
  })
})

describe('sizes', () => {
  it('are those on the disk, own ones apart from shared ones', async () => {
    const store = storeWith()
    const reference = publish(debian, 'v1')
    await store.pull(reference, {})
    await store.pull(publish(other, 'v2'), {})
    const [first, second] = await store.list()
    expect(await store.view(reference)).toEqual(first)
    const onDisk = (id: string): number =>
      ['data', 'frame', 'index'].reduce(
        (sum, kind) =>
          sum + statSync(join(fixture.paths.layers, `${id.slice(7)}.${kind}`)).blocks * 512,
        0,
      )
    const [both, own] = debian.diffIds.map(onDisk)
    expect(first).toMatchObject({ size: both! + own!, ownSize: own })
    expect(second!.ownSize).toBe(onDisk(other.diffIds[1]!))
    await store.pull(publish(debian, 'v3'), {})
    expect((await store.list()).find(({ reference }) => reference.endsWith('v1'))!.ownSize).toBe(0)
    expect((await store.view(reference)).ownSize).toBe(0)
  })
})

describe('removing an image', () => {
  it('removes what no other image needs', async () => {
    const store = storeWith()
    const [one, two] = [publish(debian, 'v1'), publish(other, 'v2')]
    await store.pull(one, {})
    await store.pull(two, {})
    await store.remove(one)
    expect(await store.find(one)).toBeUndefined()
    expect((await store.list()).map(({ reference }) => reference)).toEqual([two])
    expect(filesIn(fixture.paths.layers)).toEqual(layerFiles(other))
    await store.remove(two)
    expect(
      [fixture.paths.layers, fixture.paths.manifests, fixture.paths.refs].map(filesIn),
    ).toEqual([[], [], []])
  })

  it('only takes a name away while there is another', async () => {
    const store = storeWith()
    const [one, two] = [publish(debian, 'v1'), publish(debian, 'v2')]
    await store.pull(one, {})
    await store.pull(two, {})
    await store.remove(one)
    expect((await store.find(two))!.layers).toHaveLength(2)
    await store.remove(debian.manifest.digest)
    expect(filesIn(fixture.paths.layers)).toEqual([])
  })

  it('removes the disks and directories made of its layers, and no others', async () => {
    const store = storeWith()
    const [one, two] = [publish(debian, 'v1'), publish(other, 'v2')]
    await store.pull(one, {})
    await store.pull(two, {})
    for (const [name, id] of [
      ['gone', debian.diffIds[1]!],
      ['kept', other.diffIds[1]!],
    ] as const) {
      mkdirSync(join(fixture.paths.disks, name), { recursive: true })
      writeFileSync(
        join(fixture.paths.disks, name, 'disk.vmdk'),
        `RW 8 FLAT "../../layers/${id.slice(7)}.data" 0\n`,
      )
      const directory = join(fixture.paths.directories, name)
      mkdirSync(directory, { recursive: true })
      writeFileSync(join(directory, 'layers'), `/data/layers/${id.slice(7)}.data\n`)
    }
    await store.remove(one)
    expect(filesIn(fixture.paths.disks)).toEqual(['kept'])
    expect(filesIn(fixture.paths.directories)).toEqual(['kept'])
  })

  it('that is not there fails', async () => {
    await expect(storeWith().remove('debian')).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' })
    await expect(storeWith().remove('starter')).rejects.toMatchObject({ code: 'CONFLICT' })
  })
})

describe('importing an image', () => {
  it('stores it under the name asked for, or the one it brings', async () => {
    const store = storeWith()
    const path = writeLayout(freshFolder(), {
      image: debian,
      name: 'docker.io/library/app:3',
    })
    expect((await store.importPath(path, {})).view.reference).toBe('app:3')
    expect((await store.importPath(path, { reference: 'mine' })).view.reference).toBe('mine')
    expect(listTree(await store.tree((await store.find('mine'))!))).toEqual(['app=3', 'etc/'])
  })

  it('tells what is wrong with which file', async () => {
    await expect(storeWith().importPath('/dev/null', {})).rejects.toMatchObject({
      code: 'IMAGE_INVALID',
      message: expect.stringContaining('import /dev/null') as string,
    })
  })
})

describe('a plain tar', () => {
  it('is taken in like a layer and grafted at /.microvm', async () => {
    const store = storeWith()
    const path = `${freshFolder()}.tar`
    writeFileSync(
      path,
      tarOf({ name: '.microvm/', flag: '5' }, { name: '.microvm/init', data: 'init' }),
    )
    const bundle = await store.ensureLayer(path)
    expect(await store.ensureLayer(path)).toEqual(bundle)
    expect(readFileSync(bundle.dataPath).toString('latin1', 0, 4)).toBe('init')
    const image = await store.pull(publish(debian, 'v1'), {})
    const tree = await store.graft(await store.tree(image), bundle)
    expect(listTree(tree)).toEqual(['.microvm/', '.microvm/init=4', 'app=3', 'etc/'])
    expect(tree.layers.at(-1)!.diffId).toBe(bundle.diffId)
  })
})

describe('the time of last use', () => {
  it('is kept with the name, over a new pull, and needs an image', async () => {
    const reference = publish(debian, 'v1')
    await storeWith().pull(reference, {})
    await storeWith({ now: () => 77 }).markUsed(reference)
    await storeWith().pull(reference, {})
    expect((await storeWith().find(reference))!.view.lastUsedAt).toBe(77)
    await storeWith().markUsed('never-pulled')
    await storeWith().markUsed(debian.manifest.digest)
    expect(await storeWith().list()).toHaveLength(1)
  })
})
