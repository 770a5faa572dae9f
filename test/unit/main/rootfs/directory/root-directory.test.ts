// SPDX-License-Identifier: Apache-2.0
import {
  chmod,
  cp,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { FsNode, FsTree } from '../../../../../src/main/image/tree/fs-tree'
import { silentLogger } from '../../../../../src/main/lib/logger'
import {
  ensureRootDirectory,
  renewBundle,
} from '../../../../../src/main/rootfs/directory/root-directory'
import { LayerWriter, newNode } from '../../../../support/random-tree'

let home: string
let target: string
let imagesDir: string
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'microvm-root-'))
  target = join(home, 'vm/root')
  imagesDir = join(home, 'images')
  await mkdir(join(home, 'vm'))
})
afterEach(() => rm(home, { recursive: true, force: true }))

const folder = (children: Record<string, FsNode>): FsNode =>
  newNode('directory', { children: new Map(Object.entries(children)) })
async function treeWith(
  make: (add: (text: string, fields?: Partial<FsNode>) => FsNode) => Record<string, FsNode>,
  index = 0,
): Promise<FsTree> {
  const folderOfLayer = await mkdtemp(join(home, 'layer-'))
  const layer = new LayerWriter(folderOfLayer, index)
  const root = folder(make((text, fields) => layer.add(Buffer.from(text), fields)))
  return { root, layers: [await layer.finish()] }
}
const deps = (clones: boolean) => ({
  imagesDir,
  logger: silentLogger,
  canClone: async () => clones,
})
const read = (...parts: string[]) => readFile(join(target, ...parts), 'utf8')
const bundle = () =>
  treeWith((add) => ({ '.microvm': folder({ init: add('the init', { mode: 0o755 }) }) }))
const config = [
  { path: '', type: 'directory', mode: 0o700 },
  { path: 'hostname', type: 'file', mode: 0o600, content: Buffer.from('box') },
  { path: 'network/mtu', type: 'file', mode: 0o600, content: Buffer.from('1500') },
] as const

describe('a machine’s root directory', () => {
  it('is made once, without the names that are ours, and kept', async () => {
    const tree = await treeWith((add) => ({
      etc: folder({ motd: add('hello') }),
      '.microvm': newNode('symlink', { target: '/etc' }),
      '.krun_config.json': add('{"Cmd":["/evil"]}'),
    }))
    const makeTree = vi.fn(async () => tree)
    await ensureRootDirectory(deps(false), target, 'key', makeTree)
    expect((await readdir(target)).sort()).toEqual(['etc'])
    await writeFile(join(target, 'etc/motd'), 'written by the guest')
    await ensureRootDirectory(deps(false), target, 'key', makeTree)
    expect(await read('etc/motd')).toBe('written by the guest')
    expect(makeTree).toHaveBeenCalledTimes(1)
    expect(await readdir(imagesDir)).toEqual([])
  })

  it('is there whole or not at all', async () => {
    const bad = { root: folder({ good: newNode('file'), 'b/ad': newNode('file') }), layers: [] }
    const failed = ensureRootDirectory(deps(false), target, 'key', async () => bad)
    await expect(failed).rejects.toMatchObject({ code: 'IMAGE_INVALID' })
    expect(await readdir(join(home, 'vm'))).toEqual([])
    // What a killed process left is no obstacle.
    await mkdir(`${target}.new/left`, { recursive: true })
    const good = { root: folder({ good: newNode('file') }), layers: [] }
    await ensureRootDirectory(deps(false), target, 'key', async () => good)
    expect(await readdir(target)).toEqual(['good'])
    expect(await readdir(join(home, 'vm'))).toEqual(['root'])
  })

  it('that is none is told', async () => {
    await writeFile(target, '')
    const failed = ensureRootDirectory(deps(false), target, 'key', () =>
      Promise.reject(new Error('asked')),
    )
    await expect(failed).rejects.toMatchObject({ code: 'STATE_CORRUPT' })
  })

  it('is cloned from one that is written once per image, where clones are to be had', async () => {
    const tree = await treeWith((add) => ({ etc: folder({ motd: add('hello') }) }))
    const outcome = await ensureRootDirectory(deps(true), target, 'key', async () => tree).then(
      () => 'cloned',
      (error: unknown) => (error as Error).message,
    )
    const base = join(imagesDir, 'key.v1')
    expect((await readdir(base)).sort()).toEqual(['layers', 'tree'])
    expect(await readFile(join(base, 'tree/etc/motd'), 'utf8')).toBe('hello')
    expect(await readFile(join(base, 'layers'), 'utf8')).toBe(`${tree.layers[0]!.dataPath}\n`)
    // This file system may be one that does not clone, though it was said to.
    if (outcome === 'cloned') expect(await read('etc/motd')).toBe('hello')
    else expect(outcome).toBe('make the root directory: files cannot be cloned any more')
  })

  it('whose original was left half done is made anew', async () => {
    const tree = await treeWith((add) => ({ file: add('whole') }))
    await mkdir(join(imagesDir, 'key.v1/tree'), { recursive: true })
    await writeFile(join(imagesDir, 'key.v1/tree/file'), 'ha')
    await ensureRootDirectory(deps(true), target, 'key', async () => tree).catch(() => undefined)
    expect(await readFile(join(imagesDir, 'key.v1/tree/file'), 'utf8')).toBe('whole')
  })
})

describe('the bundle in a root directory', () => {
  it('is new at each start, with the config of that start', async () => {
    await mkdir(target)
    await renewBundle(target, await bundle(), config)
    expect(await read('.microvm/init')).toBe('the init')
    expect(await read('.microvm/config/network/mtu')).toBe('1500')
    const mode = async (...path: string[]) =>
      (await lstat(join(target, '.microvm', ...path))).mode & 0o777
    expect([await mode('config'), await mode('config', 'hostname')]).toEqual([0o700, 0o600])
    await writeFile(join(target, '.microvm/init'), 'changed by the guest')
    await renewBundle(target, await bundle(), [
      ...config.slice(0, 1),
      { path: 'hostname', type: 'file', mode: 0o600, content: Buffer.from('other') },
    ])
    expect(await read('.microvm/init')).toBe('the init')
    expect(await readdir(join(target, '.microvm/config'))).toEqual(['hostname'])
    expect(await readdir(join(home, 'vm'))).toEqual(['root'])
  })

  it('goes through no link that the guest has put in its place', async () => {
    const outside = join(home, 'outside')
    await mkdir(join(outside, 'config'), { recursive: true })
    await writeFile(join(outside, 'config/hostname'), 'mine')
    await writeFile(join(outside, 'file'), 'mine')
    await cp(outside, join(home, 'before'), { recursive: true })
    await mkdir(target)
    await symlink(outside, join(target, '.microvm'))
    await symlink(join(outside, 'file'), join(target, '.krun_config.json'))
    await renewBundle(target, await bundle(), config)
    expect((await lstat(join(target, '.microvm'))).isDirectory()).toBe(true)
    expect(await readdir(target)).toEqual(['.microvm'])
    expect((await readdir(outside, { recursive: true })).sort()).toEqual(
      (await readdir(join(home, 'before'), { recursive: true })).sort(),
    )
    expect(await readFile(join(outside, 'config/hostname'), 'utf8')).toBe('mine')
    // The same one level down: the guest may have kept the folder and replaced what is in it.
    await rm(join(target, '.microvm/config'), { recursive: true })
    await symlink(join(outside, 'config'), join(target, '.microvm/config'))
    await renewBundle(target, await bundle(), config)
    expect(await read('.microvm/config/hostname')).toBe('box')
    expect(await readFile(join(outside, 'config/hostname'), 'utf8')).toBe('mine')
  })

  it('comes even into a directory that the guest has closed', async () => {
    await mkdir(join(target, '.microvm/closed'), { recursive: true })
    await writeFile(join(target, '.krun_config.json'), 'of the guest')
    await chmod(join(target, '.microvm'), 0o000)
    await chmod(target, 0o000)
    await renewBundle(target, await bundle(), config)
    expect(await readdir(target)).toEqual(['.microvm'])
    expect(await read('.microvm/init')).toBe('the init')
  })
})
