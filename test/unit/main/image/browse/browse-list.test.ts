// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import type { FileView } from '../../../../../src/contract/images'
import { readHistory, type ImageHistory } from '../../../../../src/main/image/browse/browse-history'
import {
  describe as entryOf,
  followPath,
  listFolder,
} from '../../../../../src/main/image/browse/browse-list'
import { dir, file, hard, layer, link } from '../support/make-tree'
import type { Member } from '../support/tar-bytes'

const historyOf = (...layers: readonly (readonly Member[])[]): Promise<ImageHistory> =>
  readHistory(layers.map((members, index) => layer(index + 1, members)))

const names = (history: ImageHistory, view: FileView, path = ''): string[] =>
  listFolder(history, view, path).map(({ name }) => name)

const entry = (history: ImageHistory, view: FileView, folder: string, name: string) =>
  entryOf(
    listFolder(history, view, folder).find((place) => place.name === name)!,
    view,
  )

const threeLayers = () =>
  historyOf(
    [dir('usr/'), file('usr/doc/big', 'x'.repeat(5000)), file('etc/conf', 'old'), file('.env')],
    [file('usr/.wh.doc'), file('etc/conf', 'newer'), dir('srv/app/')],
    [file('etc/more', '1')],
  )

describe('a folder of an image', () => {
  it('lists folders first, each in the order of their names', async () => {
    const history = await threeLayers()
    expect(names(history, {})).toEqual(['etc', 'srv', 'usr', '.env'])
    expect(names(history, {}, 'etc')).toEqual(['conf', 'more'])
    expect(names(history, {}, 'usr')).toEqual([])
  })

  it('is as it was after a layer, with what that layer removed', async () => {
    const history = await threeLayers()
    expect(names(history, { layer: 0 })).toEqual(['etc', 'usr', '.env'])
    expect(names(history, { layer: 1 })).toEqual(['etc', 'srv', 'usr', '.env'])
    expect(names(history, { layer: 1 }, 'usr')).toEqual(['doc'])
    expect(names(history, { layer: 1 }, 'usr/doc')).toEqual(['big'])
    expect(names(history, { layer: 2 }, 'usr')).toEqual([])
  })

  it('can be asked only for what a layer changed', async () => {
    const history = await threeLayers()
    expect(names(history, { layer: 1, changesOnly: true })).toEqual(['etc', 'srv', 'usr'])
    expect(names(history, { layer: 2, changesOnly: true })).toEqual(['etc'])
    expect(names(history, { layer: 2, changesOnly: true }, 'etc')).toEqual(['more'])
  })

  it('tells of each name what it is and what was done to it', async () => {
    const history = await threeLayers()
    const view = { layer: 1 }
    expect(entry(history, view, 'etc', 'conf')).toEqual({
      name: 'conf',
      type: 'file',
      mode: 0o644,
      uid: 0,
      gid: 0,
      size: 5,
      modifiedAt: 0,
      layer: 1,
      change: 'changed',
    })
    expect(entry(history, view, '', 'usr')).toMatchObject({
      size: 0,
      layer: 0,
      below: { added: 0, changed: 0, removed: 2 },
    })
    expect(entry(history, view, 'usr', 'doc')).toMatchObject({ change: 'removed', size: 5000 })
    expect(entry(history, { layer: 2 }, 'etc', 'conf')).toMatchObject({ layer: 1 })
    expect(entry(history, { layer: 2 }, 'etc', 'conf')).not.toHaveProperty('change')
  })

  it('has the size of all below it, a file with several names counted once', async () => {
    const history = await historyOf(
      [file('a/x', '4444'), hard('a/y', 'a/x'), file('a/b/z', '1')],
      [file('a/b/w', '22')],
    )
    expect(entry(history, {}, '', 'a')).toMatchObject({ size: 7 })
    expect(entry(history, { layer: 0 }, '', 'a')).toMatchObject({ size: 5 })
    expect(entry(history, {}, 'a', 'y')).toMatchObject({ type: 'file', size: 4 })
  })

  it('that the view does not show is no folder', async () => {
    const history = await threeLayers()
    const notFound = expect.objectContaining({ code: 'NOT_FOUND' }) as Error
    for (const path of ['usr/doc', 'etc/conf', 'none', 'etc/none/x', '../etc'])
      expect(() => listFolder(history, {}, path)).toThrow(notFound)
    expect(() => listFolder(history, { layer: 3 }, '')).toThrow(notFound)
  })

  it('of an image without layers is empty', async () => {
    expect(names(await historyOf(), {})).toEqual([])
  })
})

describe('a path in an image', () => {
  it('is followed through links, which cannot leave the image', async () => {
    const history = await historyOf([
      file('usr/lib/os-release', 'ID=x'),
      link('etc/os-release', '../usr/lib/os-release'),
      link('lib', '/usr/lib'),
      link('out', '../../../../usr/lib/os-release'),
    ])
    for (const path of ['etc/os-release', 'lib/os-release', 'out', 'usr/../lib/./os-release'])
      expect(followPath(history, {}, path)).toMatchObject({
        path: 'usr/lib/os-release',
        node: { type: 'file', size: 4 },
      })
    expect(followPath(history, {}, 'lib')).toMatchObject({ path: 'usr/lib' })
  })

  it('leads nowhere through a circle, a missing name or a file', async () => {
    const history = await historyOf([link('a', 'b'), link('b', 'a'), link('c', 'none'), file('f')])
    for (const path of ['a', 'c', 'none', 'f/x'])
      expect(() => followPath(history, {}, path)).toThrow(
        expect.objectContaining({ code: 'NOT_FOUND' }) as Error,
      )
  })

  it('leads to what the view shows, also to what its layer removed', async () => {
    const history = await historyOf(
      [file('a', 'one')],
      [file('a', 'three')],
      [file('.wh.a')],
      [file('b')],
    )
    const sizeAt = (layer: number) => followPath(history, { layer }, 'a').node.size
    expect([0, 1, 2].map(sizeAt)).toEqual([3, 5, 5])
    expect(() => sizeAt(3)).toThrow(/leads to no file/)
  })
})
