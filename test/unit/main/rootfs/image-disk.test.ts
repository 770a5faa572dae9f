// SPDX-License-Identifier: Apache-2.0
import {
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  rename,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { FsTree } from '../../../../src/main/image/tree/fs-tree'
import { silentLogger, type LogFields } from '../../../../src/main/lib/logger'
import { ensureImageDisk } from '../../../../src/main/rootfs/image-disk'
import { newNode, randomTree } from '../../../support/random-tree'

let data: string
let tree: FsTree
beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'image-disk-'))
  await mkdir(join(data, 'layers'))
  tree = await randomTree(join(data, 'layers'), 11, 200)
})
afterEach(() => rm(data, { recursive: true, force: true }))

const ensure = (key = 'key', of = tree) =>
  ensureImageDisk({ disksDir: join(data, 'disks'), logger: silentLogger }, async () => of, key)
const metadata = (key = 'key') => readFile(join(data, 'disks', key, 'meta.erofs'))

describe('the disk of an image', () => {
  it('is built once', async () => {
    const first = await ensure()
    expect(first).toEqual({
      descriptorPath: join(data, 'disks/key/disk.vmdk'),
      built: true,
    })
    expect(await ensure()).toEqual({ ...first, built: false })
  })

  it('is the same bytes for the same tree', async () => {
    await ensure('one')
    await ensure('two')
    expect((await metadata('one')).equals(await metadata('two'))).toBe(true)
  })

  it('is for its owner only', async () => {
    const { descriptorPath } = await ensure()
    const modes = await Promise.all(
      [dirname(descriptorPath), descriptorPath, join(data, 'disks/key/meta.erofs')].map(
        async (path) => (await stat(path)).mode & 0o777,
      ),
    )
    expect(modes).toEqual([0o700, 0o600, 0o600])
  })

  it('is built once by many at the same time', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => ensure()))
    expect(answers.filter(({ built }) => built)).toHaveLength(1)
    expect((await readdir(join(data, 'disks'))).sort()).toEqual(['.lock', 'key'])
  })

  it('stays good when the data folder moves', async () => {
    await ensure()
    const moved = `${data}-moved`
    await rename(data, moved)
    const layers = tree.layers.map((layer) => ({
      ...layer,
      dataPath: layer.dataPath.replace(data, moved),
    }))
    data = moved
    expect((await ensure('key', { ...tree, layers })).built).toBe(false)
  })

  it.each<[string, (folder: string) => Promise<void>]>([
    ['its metadata is cut short', (folder) => truncate(join(folder, 'meta.erofs'), 4096)],
    ['its metadata is gone', (folder) => rm(join(folder, 'meta.erofs'))],
    ['its descriptor is gone', (folder) => rm(join(folder, 'disk.vmdk'))],
    ['its descriptor is damaged', (folder) => writeFile(join(folder, 'disk.vmdk'), 'x')],
  ])('is built anew when %s', async (_, damage) => {
    const { descriptorPath } = await ensure()
    const before = await metadata()
    await damage(dirname(descriptorPath))
    expect((await ensure()).built).toBe(true)
    expect((await metadata()).equals(before)).toBe(true)
    expect((await ensure()).built).toBe(false)
  })

  it('clears what a killed build left', async () => {
    await mkdir(join(data, 'disks/.new'), { recursive: true })
    await writeFile(join(data, 'disks/.new/meta.erofs'), 'half')
    expect((await ensure()).built).toBe(true)
    expect((await readdir(join(data, 'disks'))).sort()).toEqual(['.lock', 'key'])
  })

  it('is refused, with a hint, when a layer is missing or not as long as it should be', async () => {
    await ensure()
    const { dataPath, dataSize } = tree.layers[1]!
    await truncate(dataPath, dataSize - 4096)
    const refused = { code: 'STATE_CORRUPT', hint: 'Remove the image and pull it again.' }
    await expect(ensure()).rejects.toMatchObject(refused)
    await rm(dataPath)
    await expect(ensure()).rejects.toMatchObject(refused)
  })

  it('leaves nothing behind when the tree cannot be stored', async () => {
    const root = newNode('directory', { children: new Map([['x', newNode('symlink')]]) })
    await expect(ensure('key', { root, layers: [] })).rejects.toMatchObject({
      code: 'IMAGE_INVALID',
      message: 'build the image disk: cannot store /x: symlink target',
    })
    expect(await readdir(join(data, 'disks'))).toEqual(['.lock'])
  })

  it('leaves nothing behind when it is cancelled', async () => {
    const deps = { disksDir: join(data, 'disks'), logger: silentLogger }
    const cancelled = ensureImageDisk(deps, async () => tree, 'key', AbortSignal.abort())
    await expect(cancelled).rejects.toMatchObject({ code: 'CANCELLED' })
    expect(await readdir(join(data, 'disks'))).toEqual(['.lock'])
  })

  it.each(['', '../up', 'a/b', '.hidden', 'x'.repeat(129)])('refuses the key %j', async (key) => {
    await expect(ensure(key)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  it('tells the log which attributes it left out', async () => {
    const warnings: (LogFields | undefined)[] = []
    const logger = {
      ...silentLogger,
      warn: (_: string, fields?: LogFields) => warnings.push(fields),
    }
    const xattrs = new Map([['com.apple.quarantine', Buffer.from('x')]])
    const root = newNode('directory', { xattrs })
    await ensureImageDisk(
      { disksDir: join(data, 'disks'), logger },
      async () => ({ root, layers: [] }),
      'key',
    )
    expect(warnings).toEqual([{ names: ['com.apple.quarantine'] }])
  })
})
