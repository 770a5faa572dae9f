// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import type { FileEntry, FilePage } from '../../../../../src/contract/images'
import { FileTree, PAGE, type TreeRow } from '../../../../../src/renderer/features/images/file-tree'

type Names = { readonly [name: string]: Names | null }

const entry = (name: string, names: Names | null): FileEntry => ({
  name,
  type: names === null ? 'file' : 'directory',
  ...{ mode: 0o644, uid: 0, gid: 0, size: 0, modifiedAt: 0, layer: 0 },
})

/** A tree over names at hand, with what it asked for. */
function treeOver(root: Names) {
  const asked: string[] = []
  const errors: unknown[] = []
  const folderAt = (path: string): Names => {
    let names: Names = root
    if (path !== '') for (const part of path.split('/')) names = names[part]!
    return names
  }
  const tree = new FileTree({
    async list(path, offset, limit): Promise<FilePage> {
      asked.push(`${path}@${offset}`)
      if (path.endsWith('broken')) throw new Error('broken')
      const names = folderAt(path)
      const all = Object.keys(names)
      const some = all.slice(offset, offset + limit)
      return { total: all.length, entries: some.map((name) => entry(name, names[name]!)) }
    },
    async locate(path) {
      const parts = path.split('/')
      return parts.map((part, depth) =>
        Object.keys(folderAt(parts.slice(0, depth).join('/'))).indexOf(part),
      )
    },
    onError: (error) => errors.push(error),
  })
  return { tree, asked, errors }
}

const rows = (tree: FileTree): TreeRow[] =>
  Array.from({ length: tree.rowCount }, (_, at) => tree.row(at)!)
const paths = (tree: FileTree): string[] => rows(tree).map(({ path }) => path)

const small: Names = { etc: { ssl: { cert: null }, hosts: null }, usr: { bin: null }, top: null }

describe('the rows of a file tree', () => {
  it('are the names of the root, and below each open folder its own', async () => {
    const { tree } = treeOver(small)
    expect(tree.ready).toBe(false)
    await tree.load()
    expect(paths(tree)).toEqual(['etc', 'usr', 'top'])
    await tree.toggle(0)
    await tree.toggle(1)
    await tree.toggle(4)
    expect(paths(tree)).toEqual([
      ...['etc', 'etc/ssl', 'etc/ssl/cert', 'etc/hosts', 'usr', 'usr/bin', 'top'],
    ])
    expect(rows(tree).map(({ depth }) => depth)).toEqual([0, 1, 2, 1, 0, 1, 0])
    expect(tree.row(3)).toMatchObject({ index: 1, total: 2, open: false })
    expect(tree.row(0)).toMatchObject({ open: true })
    expect([-1, 7].map((at) => tree.row(at))).toEqual([undefined, undefined])
  })

  it('go with a folder that is closed, what is open in it too', async () => {
    const { tree } = treeOver(small)
    await tree.load()
    await tree.toggle(0)
    await tree.toggle(1)
    await tree.toggle(0)
    expect(paths(tree)).toEqual(['etc', 'usr', 'top'])
    await tree.toggle(0)
    expect(paths(tree)).toEqual(['etc', 'etc/ssl', 'etc/hosts', 'usr', 'top'])
  })

  it('know the folder they are in', async () => {
    const { tree } = treeOver(small)
    await tree.load()
    await tree.toggle(1)
    await tree.toggle(0)
    expect([0, 1, 4].map((at) => tree.parentRow(at))).toEqual([undefined, 0, 3])
  })

  it('stay as they are when a folder cannot be listed', async () => {
    const { tree, errors } = treeOver({ broken: {}, top: null })
    await tree.load()
    await tree.toggle(0)
    expect(paths(tree)).toEqual(['broken', 'top'])
    expect(errors).toHaveLength(1)
  })
})

describe('a folder of many names', () => {
  const many = Object.fromEntries(
    Array.from({ length: 30_000 }, (_, index) => [`f${String(index).padStart(6, '0')}`, null]),
  )
  const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0))

  it('is fetched only where it is looked at', async () => {
    const { tree, asked } = treeOver({ big: many, end: null })
    await tree.load()
    await tree.toggle(0)
    expect(tree.rowCount).toBe(30_002)
    expect(tree.row(30_001)?.path).toBe('end')
    const far = 100 * PAGE + 5
    expect(tree.row(far)?.entry).toBeUndefined()
    tree.need(far, far + 30)
    await settled()
    expect(tree.row(far)?.path).toBe('big/f020004')
    expect(asked).toEqual(['@0', 'big@0', `big@${100 * PAGE}`])
  })

  it('is asked for two pages at a time, of those that are wanted in the end', async () => {
    const { tree, asked } = treeOver(many)
    await tree.load()
    for (let page = 1; page < 50; page++) tree.need(page * PAGE, page * PAGE + 30)
    await settled()
    expect(asked).toEqual(['@0', `@${PAGE}`, `@${2 * PAGE}`, `@${49 * PAGE}`])
  })

  it('is forgotten where it was looked at long ago', async () => {
    const { tree } = treeOver(many)
    await tree.load()
    for (let page = 1; page <= 120; page++) {
      tree.need(page * PAGE, page * PAGE)
      await settled()
    }
    expect(tree.row(0)?.entry).toBeUndefined()
    expect(tree.row(120 * PAGE)?.entry).toBeDefined()
    tree.need(0, 0)
    await settled()
    expect(tree.row(0)?.path).toBe('f000000')
  })
})

describe('the selection', () => {
  it('stays with its name when rows above come and go', async () => {
    const { tree } = treeOver(small)
    await tree.load()
    tree.select(1)
    await tree.toggle(0)
    expect(tree.selectedRow).toBe(3)
    await tree.toggle(0)
    expect(tree.selectedRow).toBe(1)
  })

  it('goes to the folder that is closed over it', async () => {
    const { tree } = treeOver(small)
    await tree.load()
    await tree.toggle(0)
    await tree.toggle(1)
    tree.select(2)
    await tree.toggle(0)
    expect(tree.selectedRow).toBe(0)
  })

  it('can be led to a path, whose folders open', async () => {
    const { tree } = treeOver(small)
    await tree.load()
    expect(await tree.reveal('etc/ssl/cert')).toBe(true)
    expect(paths(tree)[tree.selectedRow]).toBe('etc/ssl/cert')
    expect(tree.selectedPlace).toEqual({ path: 'etc/ssl', index: 0 })
    tree.selectIn('etc', 1)
    expect(paths(tree)[tree.selectedRow]).toBe('etc/hosts')
  })
})

describe('unfolding', () => {
  it('opens wanted folders from the top on until there are enough rows', async () => {
    const { tree } = treeOver({ a: { b: { c: null } }, no: { x: null }, d: { e: null, f: null } })
    await tree.load()
    await tree.unfold(6, ({ name }) => name !== 'no')
    expect(paths(tree)).toEqual(['a', 'a/b', 'a/b/c', 'no', 'd', 'd/e', 'd/f'])
  })

  it('tells those who listen', async () => {
    const { tree } = treeOver(small)
    let told = 0
    const stop = tree.subscribe(() => told++)
    await tree.load()
    const { version } = tree
    tree.select(0)
    expect(told).toBe(2)
    expect(tree.version).toBe(version + 1)
    stop()
    tree.select(1)
    expect(told).toBe(2)
  })
})
