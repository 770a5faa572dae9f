// SPDX-License-Identifier: Apache-2.0
// Random and hostile trees, written out and read back with the system's own calls.
import { createHash } from 'node:crypto'
import { constants, type BigIntStats } from 'node:fs'
import {
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getAttr, listAttrs } from 'fs-native-extensions'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { FsNode, FsTree } from '../../../../../src/main/image/tree/fs-tree'
import { clonedContent, layerContent } from '../../../../../src/main/rootfs/directory/content'
import { materialise, ownerHere } from '../../../../../src/main/rootfs/directory/materialise'
import {
  hostMode,
  OVERRIDE_STAT,
  overrideStat,
  type HostOwner,
} from '../../../../../src/main/rootfs/directory/override-stat'
import { expectedListing, LayerWriter, newNode, randomTree } from '../../../../support/random-tree'

let home: string
let target: string
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'microvm-directory-'))
  target = join(home, 'root')
})
afterEach(() => rm(home, { recursive: true, force: true }))

async function write(tree: FsTree, owner: HostOwner = ownerHere(), signal?: AbortSignal) {
  const content = await layerContent(tree)
  try {
    return await materialise(tree.root, target, { content, owner, signal })
  } finally {
    await content.close()
  }
}

const folder = (children: Record<string, FsNode>, fields: Partial<FsNode> = {}): FsNode =>
  newNode('directory', { ...fields, children: new Map(Object.entries(children)) })
const link = (to: string): FsNode => newNode('symlink', { target: to, mode: 0o777 })
const bare = (children: Record<string, FsNode>): FsTree => ({ root: folder(children), layers: [] })

/** What the system says of everything below `target`, by path inside. */
async function readBack(): Promise<Map<string, BigIntStats>> {
  const found = new Map<string, BigIntStats>()
  const visit = async (path: string, inside: string): Promise<void> => {
    const facts = await lstat(path, { bigint: true })
    found.set(inside, facts)
    if (!facts.isDirectory()) return
    for (const name of await readdir(path)) await visit(join(path, name), `${inside}/${name}`)
  }
  await visit(target, '')
  return found
}

async function attributes(path: string): Promise<Map<string, Buffer>> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    const names = await listAttrs(file.fd)
    const pairs = names.map(async (name) => [name, (await getAttr(file.fd, name))!] as const)
    return new Map(await Promise.all(pairs))
  } finally {
    await file.close()
  }
}

/** Everything of a tree that the host must show, compared object by object. */
async function compare(tree: FsTree, owner: HostOwner): Promise<void> {
  const found = await readBack()
  const expected = await expectedListing(tree)
  expect([...found.keys()].sort()).toEqual([...expected.keys()].sort())
  const nodes = new Map<string, FsNode>()
  const walk = (node: FsNode, path: string): void => {
    nodes.set(path, node)
    for (const [name, child] of node.children) walk(child, `${path}/${name}`)
  }
  walk(tree.root, '')
  for (const [path, facts] of found) {
    const node = nodes.get(path)!
    const want = expected.get(path)!
    const type = facts.isDirectory() ? 'directory' : facts.isSymbolicLink() ? 'symlink' : 'file'
    const special = ['char', 'block', 'fifo', 'socket'].includes(node.type)
    expect([path, type]).toEqual([path, special ? 'file' : node.type])
    // Node sets times as floating-point seconds: good to a microsecond in this century.
    const apart = facts.mtimeNs - BigInt(want.mtime)
    expect(Number(apart < 0n ? -apart : apart)).toBeLessThan(2000)
    if (owner.exact) expect([Number(facts.uid), Number(facts.gid)]).toEqual([node.uid, node.gid])
    if (type === 'symlink') expect(await readlink(join(target, path))).toBe(node.target)
    else {
      expect([path, Number(facts.mode) & 0o7777]).toEqual([path, hostMode(node, owner)])
      const present = await attributes(join(target, path))
      expect(present.get(OVERRIDE_STAT)?.toString()).toBe(overrideStat(node))
      const own = [...node.xattrs].filter(([name]) => name.startsWith('user.'))
      for (const [name, value] of own) expect(present.get(name)).toEqual(Buffer.from(value))
      expect([...present.keys()].filter((name) => name.startsWith('trusted.'))).toEqual([])
    }
    if (type !== 'file') continue
    const bytes = await readFile(join(target, path))
    const hash = createHash('sha256').update(bytes).digest('hex')
    expect([path, hash]).toEqual([path, special ? hashOfNothing : want.content])
    if (!special) expect(Number(facts.nlink)).toBe(want.links)
  }
}
const hashOfNothing = createHash('sha256').digest('hex')

/** Times and symlinks that a host's own file system cannot hold are not what these trees are about. */
async function tameTree(seed: number): Promise<FsTree> {
  const tree = await randomTree(home, seed, 300)
  const visit = (node: FsNode): void => {
    node.mtime = Math.abs(node.mtime) % 2 ** 31
    node.uid %= 2 ** 31
    node.gid %= 2 ** 31
    if (node.type === 'symlink') node.target = node.target.slice(-4000)
    node.xattrs = new Map([...node.xattrs].map(([name, value]) => [name, value.slice(0, 500)]))
    node.children.forEach(visit)
  }
  visit(tree.root)
  return tree
}

describe('a tree as a directory', () => {
  it.each([1, 2])('is what the tree says, to the last bit (seed %i)', async (seed) => {
    const tree = await tameTree(seed)
    const dropped = await write(tree)
    await compare(tree, ownerHere())
    expect([...dropped].every((name) => name.startsWith('trusted.'))).toBe(true)
  })

  it('belongs to us where owners cannot be set, with the attribute for the guest', async () => {
    const owner = { exact: false, platform: process.platform }
    const tree = await tameTree(3)
    await write(tree, owner)
    await compare(tree, owner)
    const all = [...(await readBack()).values()]
    expect(new Set(all.map(({ uid }) => Number(uid)))).toEqual(new Set([process.getuid!()]))
  })

  it('keeps holes as holes', async () => {
    const layer = new LayerWriter(home, 0)
    const size = 64 * 1024 * 1024
    const root = folder({ sparse: layer.add(Buffer.from('ends'), {}, size) })
    await write({ root, layers: [await layer.finish()] })
    const facts = await stat(join(target, 'sparse'))
    expect(facts.size).toBe(size)
    expect(facts.blocks * 512).toBeLessThan(1024 * 1024)
  })

  it('takes a file’s bytes from a clone of it where it is told to', async () => {
    const layer = new LayerWriter(home, 0)
    const root = folder({ a: folder({ file: layer.add(Buffer.from('content')) }) })
    await write({ root, layers: [await layer.finish()] })
    const again = materialise(root, join(home, 'again'), { content: clonedContent(target) })
    const outcome = await again.then(
      async () => await readFile(join(home, 'again/a/file'), 'utf8'),
      (error: unknown) => (error as Error).message,
    )
    // Either this file system shares blocks, or it says that it does not: never a silent copy.
    expect(['content', 'files cannot be cloned any more']).toContain(outcome)
  })
})

describe('a hostile tree', () => {
  it('reaches nothing outside through links', async () => {
    await mkdir(join(home, 'outside'))
    await writeFile(join(home, 'outside/secret'), 'secret', { mode: 0o640 })
    const shared = newNode('file', { mode: 0o777, mtime: 1 })
    const root = folder({
      absolute: link(join(home, 'outside')),
      relative: link('../outside/secret'),
      looping: link('looping'),
      shared,
      again: shared,
    })
    await write({ root, layers: [] })
    expect(await readlink(join(target, 'relative'))).toBe('../outside/secret')
    const facts = await lstat(join(home, 'outside/secret'))
    expect([facts.mode & 0o777, facts.size, facts.nlink]).toEqual([0o640, 6, 1])
    expect(facts.mtimeMs).toBeGreaterThan(1_600_000_000_000)
    expect((await stat(join(target, 'shared'))).ino).toBe((await stat(join(target, 'again'))).ino)
  })

  it.each(['..', '.', '', 'a/b', '/etc', 'nul\0', '../escape'])(
    'with a file named %j is refused',
    async (name) => {
      const failed = write(bare({ [name]: newNode('file') }))
      await expect(failed).rejects.toMatchObject({ code: 'IMAGE_INVALID' })
      expect(await readdir(home)).toEqual(['root'])
    },
  )

  it('with a path longer than the host takes is refused, by its name', async () => {
    const deep = Array.from({ length: 30 }).reduce<FsNode>(
      (inner) => folder({ ['d'.repeat(200)]: inner }),
      newNode('directory'),
    )
    await expect(write({ root: deep, layers: [] })).rejects.toMatchObject({
      code: 'IMAGE_INVALID',
      message: expect.stringMatching(/^\/d+.* is longer than this host takes$/),
    })
  })

  it('cannot claim an owner by an attribute of its own', async () => {
    const xattrs = new Map([[OVERRIDE_STAT, Buffer.from('0:0:06755')]])
    const dropped = await write(bare({ file: newNode('file', { uid: 7, gid: 8, xattrs }) }))
    const present = await attributes(join(target, 'file'))
    expect(present.get(OVERRIDE_STAT)?.toString()).toBe('7:8:0644')
    expect([...dropped]).toEqual([OVERRIDE_STAT])
  })

  it('that points outside of its layer is refused', async () => {
    const layer = new LayerWriter(home, 0)
    const node = layer.add(Buffer.from('x'))
    const data = await layer.finish()
    node.size = 8192
    const failed = write({ root: folder({ file: node }), layers: [data] })
    await expect(failed).rejects.toMatchObject({ code: 'IMAGE_INVALID' })
  })

  it('whose layer is damaged says so', async () => {
    const layer = new LayerWriter(home, 0)
    const root = folder({ file: layer.add(Buffer.from('x')) })
    const data = await layer.finish()
    await writeFile(data.dataPath, 'short')
    await expect(write({ root, layers: [data] })).rejects.toMatchObject({ code: 'STATE_CORRUPT' })
    await rm(data.dataPath)
    await expect(write({ root, layers: [data] })).rejects.toThrow('is missing')
  })

  it('is never written over what is there', async () => {
    await mkdir(target)
    await chmod(target, 0o755)
    await writeFile(join(target, 'mine'), 'mine')
    await expect(write(bare({ mine: newNode('file') }))).rejects.toThrow('EEXIST')
    expect(await readFile(join(target, 'mine'), 'utf8')).toBe('mine')
  })

  it('stops when it is cancelled', async () => {
    const tree = await tameTree(4)
    const failed = write(tree, ownerHere(), AbortSignal.abort())
    await expect(failed).rejects.toMatchObject({ code: 'CANCELLED' })
  })
})
