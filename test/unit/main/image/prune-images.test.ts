// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'
import { withFileLock } from '../../../../src/main/lib/file-lock'
import { makeImage } from './support/make-image'
import { debian, filesIn, other, useStore } from './support/store-fixture'
import { sha256, tarOf } from './support/tar-bytes'

const fixture = useStore()
const { publish, storeWith } = fixture
const DAY = 24 * 60 * 60 * 1000

/** Blocks of all files of the store, as the disk counts them. */
function bytesOnDisk(): number {
  const files = readdirSync(fixture.paths.root, { recursive: true, withFileTypes: true })
  return files
    .filter((file) => file.isFile())
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).blocks * 512, 0)
}
/** Paths in the store, sorted. */
const listFiles = (): string[] =>
  readdirSync(fixture.paths.root, { recursive: true, withFileTypes: true })
    .filter((file) => file.isFile())
    .map(({ parentPath, name }) => relative(fixture.paths.root, join(parentPath, name)))
    .toSorted()
const layersHere = (): string[] => [
  ...new Set(filesIn(fixture.paths.layers).map((name) => `sha256:${name.split('.')[0]}`)),
]

describe('pruning', () => {
  it('keeps images with a name, and removes those that lost it', async () => {
    const store = storeWith()
    const reference = publish(debian, 'v1')
    await store.pull(reference, {})
    publish(other, 'v1')
    await store.pull(reference, {})
    const report = await store.prune({})
    expect(report.images).toEqual([debian.manifest.digest])
    expect((await store.list()).map(({ digest }) => digest)).toEqual([other.manifest.digest])
    expect(layersHere().toSorted()).toEqual([...other.diffIds].toSorted())
    expect(await store.prune({})).toEqual({ images: [], layers: 0, bytes: 0 })
  })

  it('gives back on the disk at least what it says, and in a dry run nothing', async () => {
    const store = storeWith()
    await store.pull(publish(debian, 'v1'), {})
    await store.pull(publish(other, 'v2'), {})
    const before = bytesOnDisk()
    const planned = await store.prune({ all: true, dryRun: true })
    expect(bytesOnDisk()).toBe(before)
    expect(planned.images).toHaveLength(2)
    const done = await store.prune({ all: true })
    expect(done).toEqual(planned)
    expect(before - bytesOnDisk()).toBeGreaterThanOrEqual(done.bytes)
    expect(done.bytes).toBeGreaterThan(50_000)
    expect(await store.list()).toEqual([])
    expect(filesIn(fixture.paths.layers)).toEqual([])
  })

  it('keeps what machines need, and what was used lately', async () => {
    let now = 100 * DAY
    const store = storeWith({ now: () => now })
    await store.pull(publish(debian, 'v1'), {})
    const second = publish(other, 'v2')
    await store.pull(second, {})
    const third = publish(makeImage([[{ name: 'third', data: '3' }]]), 'v3')
    await store.pull(third, {})
    now += 5 * DAY
    await store.markUsed(second)
    now += 4 * DAY
    const keep = new Set([debian.manifest.digest])
    const report = await store.prune({ all: true, unusedForMs: 7 * DAY, keep })
    expect(report.images).toEqual([third])
    expect((await store.list()).map(({ digest }) => digest).toSorted()).toEqual(
      [debian.manifest.digest, other.manifest.digest].toSorted(),
    )
  })

  it('removes layers that a failed pull has left, and what was set aside', async () => {
    const store = storeWith()
    const broken = makeImage([[{ name: 'good', data: 'g' }], [{ name: 'bad' }]], {
      diffIds: [sha256(tarOf({ name: 'good', data: 'g' })), sha256(Buffer.from('another'))],
    })
    await expect(store.pull(publish(broken, 'v1'), {})).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
    })
    await store.pull(publish(debian, 'v2'), {})
    writeFileSync(join(fixture.paths.layers, `${'0'.repeat(64)}.data.corrupt`), 'x'.repeat(5000))
    const left = layersHere().length - debian.diffIds.length
    const report = await store.prune({})
    // The good layer may or may not have been complete when the bad one failed.
    expect(report.layers).toBe(left - 1)
    expect(layersHere().toSorted()).toEqual([...debian.diffIds].toSorted())
  })

  it('keeps the layer on top of a disk of an image that stays', async () => {
    const store = storeWith()
    await store.pull(publish(debian, 'v1'), {})
    const path = `${fixture.freshFolder()}.tar`
    writeFileSync(path, tarOf({ name: '.microvm/', flag: '5' }))
    const { diffId } = await store.ensureLayer(path)
    const disk = join(fixture.paths.disks, 'one')
    mkdirSync(disk, { recursive: true })
    const lines = [debian.diffIds[0]!, diffId].map((id) => `FLAT "../${id.slice(7)}.data" 0\n`)
    writeFileSync(join(disk, 'disk.vmdk'), lines.join(''))
    expect(await store.prune({})).toEqual({ images: [], layers: 0, bytes: 0 })
    expect(layersHere()).toContain(diffId)
    const report = await store.prune({ all: true })
    expect(report.layers).toBe(debian.diffIds.length + 1)
    expect(filesIn(fixture.paths.disks)).toEqual([])
    expect(layersHere()).toEqual([])
  })
})

describe('pruning what killed processes have left', () => {
  it('removes halves of layers, temp files, stray records and unfinished disks, and nothing else', async () => {
    const store = storeWith()
    const reference = publish(debian, 'v1')
    await store.pull(reference, {})
    const { layers, manifests, refs, disks, directories } = fixture.paths
    const hex = '5'.repeat(64)
    const dead = [
      join(layers, `${hex}.data`),
      join(layers, `${hex}.frame`),
      join(layers, 'cafe.tmp'),
      join(layers, `${hex}-${hex}.part`),
      join(refs, 'app.json.cafe.tmp'),
      join(manifests, `${hex}.manifest.json.cafe.tmp`),
      join(manifests, `${hex}.config.json`),
      join(disks, '.new', 'meta.erofs'),
      join(disks, 'no-descriptor', 'meta.erofs'),
      join(directories, 'no-list', 'tree', 'etc', 'passwd'),
    ]
    const before = listFiles()
    for (const path of dead) {
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, 'x'.repeat(5000))
    }
    const full = bytesOnDisk()
    const planned = await store.prune({ dryRun: true })
    expect(bytesOnDisk()).toBe(full)
    expect(await store.prune({})).toEqual(planned)
    expect(planned).toEqual({ images: [], layers: 1, bytes: full - bytesOnDisk() })
    const locks = new Set(['disks/.lock', 'directories/.lock'])
    expect(listFiles().filter((name) => !locks.has(name))).toEqual(before)
    expect((await store.find(reference))?.layers).toHaveLength(2)
  })

  it('leaves a disk alone that somebody is making', async () => {
    const store = storeWith()
    const { disks } = fixture.paths
    mkdirSync(join(disks, '.new'), { recursive: true })
    await withFileLock(join(disks, '.lock'), async () => void (await store.prune({})))
    expect(filesIn(disks)).toEqual(['.lock', '.new'])
    await store.prune({})
    expect(filesIn(disks)).toEqual(['.lock'])
  })
})

describe('a disk with the guest bundle of an older version', () => {
  it('goes with that bundle, unless a machine is running from it', async () => {
    const store = storeWith()
    await store.pull(publish(debian, 'v1'), {})
    const bundles: string[] = []
    for (const version of ['old', 'running', 'present']) {
      const path = `${fixture.freshFolder()}.tar`
      writeFileSync(path, tarOf({ name: `.microvm/${version}`, data: version }))
      const { diffId } = await store.ensureLayer(path)
      bundles.push(diffId)
      mkdirSync(join(fixture.paths.disks, version), { recursive: true })
      const lines = [debian.diffIds[0]!, diffId].map((id) => `FLAT "../${id.slice(7)}.data" 0\n`)
      writeFileSync(join(fixture.paths.disks, version, 'disk.vmdk'), lines.join(''))
    }
    const [, running, present] = bundles
    const choice = { bundle: present!, disksInUse: new Set(['running']) }
    const planned = await store.prune({ ...choice, dryRun: true })
    expect(planned).toMatchObject({ images: [], layers: 1 })
    expect(filesIn(fixture.paths.disks)).toEqual(['old', 'present', 'running'])
    expect(await store.prune(choice)).toEqual(planned)
    expect(filesIn(fixture.paths.disks)).toEqual(['present', 'running'])
    expect(layersHere().toSorted()).toEqual([...debian.diffIds, running!, present!].toSorted())
    await store.prune({ bundle: present! })
    expect(filesIn(fixture.paths.disks)).toEqual(['present'])
    expect(layersHere()).not.toContain(running)
    // The next machine needs it, whatever its image.
    await store.prune({ bundle: present!, all: true })
    expect(layersHere()).toEqual([present])
    expect(filesIn(fixture.paths.disks)).toEqual([])
  })
})

describe('one more name', () => {
  it('means the same image, and outlives the first one', async () => {
    const store = storeWith()
    const reference = publish(debian, 'v1')
    await store.pull(reference, {})
    const { view } = await store.tag(reference, 'mine:1')
    expect(view).toMatchObject({ reference: 'mine:1', digest: debian.manifest.digest })
    await store.remove(reference)
    expect((await store.find('mine:1'))?.view.digest).toBe(debian.manifest.digest)
    await store.remove('mine:1')
    expect(layersHere()).toEqual([])
  })

  it('is taken away from the image that had it', async () => {
    const store = storeWith()
    const reference = publish(debian, 'v1')
    await store.pull(reference, {})
    await store.tag((await store.pull(publish(other, 'v2'), {})).view.digest, reference)
    expect((await store.find(reference))?.view.digest).toBe(other.manifest.digest)
    expect((await store.find(debian.manifest.digest))?.view.digest).toBe(debian.manifest.digest)
  })

  it('cannot be that of the built-in image, and needs an image', async () => {
    const store = storeWith()
    const reference = publish(debian, 'v1')
    await expect(store.tag(reference, 'new')).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' })
    await store.pull(reference, {})
    await expect(store.tag(reference, 'starter')).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    })
  })
})
