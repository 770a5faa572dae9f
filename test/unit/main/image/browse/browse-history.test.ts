// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { readHistory, type ImageHistory } from '../../../../../src/main/image/browse/browse-history'
import { describe as entryOf, walkPlaces } from '../../../../../src/main/image/browse/browse-list'
import { dir, file, hard, layer, link, listTree, treeOf } from '../support/make-tree'
import type { Member } from '../support/tar-bytes'

const historyOf = (...layers: readonly (readonly Member[])[]): Promise<ImageHistory> =>
  readHistory(layers.map((members, index) => layer(index + 1, members)))

/** "+ path", "~ path", "- path": what a layer did, sorted by path. */
function changes(history: ImageHistory, layer: number): string[] {
  const signs = { added: '+', changed: '~', removed: '-' }
  const view = { layer, changesOnly: true }
  return [...walkPlaces(history, view)]
    .flatMap(({ path, place }) => {
      const { change } = entryOf(place, view)!
      return change === undefined ? [] : [`${signs[change]} ${path}`]
    })
    .toSorted((a, b) => (a.slice(2) < b.slice(2) ? -1 : 1))
}

/** The whole image, as `listTree` writes it. */
function shown(history: ImageHistory): string[] {
  return [...walkPlaces(history, {})]
    .map(({ path, place }) => {
      const { type, size, target } = entryOf(place, {})!
      if (type === 'directory') return `${path}/`
      return type === 'symlink' ? `${path} → ${target}` : `${path}=${size}`
    })
    .toSorted()
}

describe('what a layer did', () => {
  it('is everything for the bottom layer, folders nobody listed included', async () => {
    const history = await historyOf([file('etc/a', 'one'), link('bin', 'usr/bin')])
    expect(changes(history, 0)).toEqual(['+ bin', '+ etc', '+ etc/a'])
    expect(history.layers).toEqual([
      { added: 3, changed: 0, removed: 0, fileBytes: 3, wastedBytes: 0, hiddenBytes: 0 },
    ])
    expect(history).toMatchObject({ entries: 3, fileBytes: 3, wastedBytes: 0 })
  })

  it('is what it added, changed and removed', async () => {
    const history = await historyOf(
      [dir('d/'), file('d/kept', '1'), file('d/over', '22'), file('d/gone', '333')],
      [file('d/.wh.gone'), file('d/over', '4444'), file('d/new', '55555')],
    )
    expect(changes(history, 1)).toEqual(['- d/gone', '+ d/new', '~ d/over'])
    expect(history.layers[1]).toEqual({
      ...{ added: 1, changed: 1, removed: 1 },
      ...{ fileBytes: 9, wastedBytes: 0, hiddenBytes: 5 },
    })
    expect(history.layers[0]).toMatchObject({ fileBytes: 6, wastedBytes: 5 })
    expect(history).toMatchObject({ entries: 4, fileBytes: 10, wastedBytes: 5 })
  })

  it('is nothing for a folder that is only listed again', async () => {
    const history = await historyOf([dir('d/', { mtime: 1 })], [dir('d/', { mtime: 2 })])
    expect(changes(history, 1)).toEqual([])
  })

  it('is a change for a folder with another mode, owner or attribute', async () => {
    const pax = { 'SCHILY.xattr.user.k': 'v' }
    const history = await historyOf(
      [dir('m/'), dir('o/'), dir('x/')],
      [dir('m/', { mode: 0o700 }), dir('o/', { uid: 5 }), dir('x/', { pax })],
    )
    expect(changes(history, 1)).toEqual(['~ m', '~ o', '~ x'])
  })

  it('is a change for a file that is stored again, even with the same content', async () => {
    const history = await historyOf([file('f', 'same')], [file('f', 'same')])
    expect(changes(history, 1)).toEqual(['~ f'])
    expect(history.layers.map(({ wastedBytes }) => wastedBytes)).toEqual([4, 0])
  })

  it('is everything below a folder that a whiteout removes', async () => {
    const history = await historyOf([file('a/b/c', 'xx'), file('a/b/d', 'yyy')], [file('a/.wh.b')])
    expect(changes(history, 1)).toEqual(['- a/b', '- a/b/c', '- a/b/d'])
    expect(history.layers[1]).toMatchObject({ removed: 3, hiddenBytes: 5 })
  })

  it('is what an opaque folder hides and what it has itself', async () => {
    const history = await historyOf(
      [file('o/old', '1'), file('o/both', '22'), file('o/sub/deep', '333')],
      [file('o/new', 'n'), file('o/.wh..wh..opq'), file('o/both', 'b')],
    )
    expect(changes(history, 1)).toEqual([
      ...['~ o/both', '+ o/new', '- o/old', '- o/sub', '- o/sub/deep'],
    ])
    expect(history.layers[1]).toMatchObject({ hiddenBytes: 6 })
  })

  it('is a change of the name and the loss of what was below when a file replaces a folder', async () => {
    const history = await historyOf([file('x/in/a', 'aa'), file('x/b', 'b')], [file('x', 'file')])
    expect(changes(history, 1)).toEqual(['~ x', '- x/b', '- x/in', '- x/in/a'])
  })

  it('is what is there in the end when a name is used several times in it', async () => {
    const history = await historyOf(
      [file('x/low', 'low')],
      [file('x/mine', '1'), file('x', 'a file'), file('y/.wh.z'), dir('x/'), file('x/last', 'l')],
    )
    expect(changes(history, 1)).toEqual(['+ x/last', '- x/low'])
    expect(shown(history)).toEqual(['x/', 'x/last=1'])
    // "mine" and the file "x" were stored and never shown.
    expect(history.layers[1]).toMatchObject({ fileBytes: 8, wastedBytes: 7 })
  })

  it('is told under the name a link in the path leads to', async () => {
    const history = await historyOf(
      [dir('usr/bin/'), link('bin', 'usr/bin')],
      [file('bin/tool', 'tool')],
      [file('bin/.wh.tool')],
    )
    expect(changes(history, 1)).toEqual(['+ usr/bin/tool'])
    expect(changes(history, 2)).toEqual(['- usr/bin/tool'])
  })

  it('is nothing for a whiteout that finds nothing', async () => {
    const history = await historyOf([file('a')], [file('.wh.never'), file('no/.wh..wh..opq')])
    expect(changes(history, 1)).toEqual([])
  })

  it('may be to bring back what an earlier one removed', async () => {
    const history = await historyOf([file('a', '1')], [file('.wh.a')], [file('a', '22')])
    expect([0, 1, 2].flatMap((index) => changes(history, index))).toEqual(['+ a', '- a', '+ a'])
    expect(history).toMatchObject({ entries: 1, fileBytes: 2, wastedBytes: 1 })
  })
})

describe('bytes stored for nothing', () => {
  it('do not count while a file has a name left', async () => {
    const history = await historyOf(
      [file('a', '4444'), hard('b', 'a'), hard('c', 'a')],
      [file('.wh.a')],
      [file('.wh.b')],
      [file('.wh.c')],
    )
    expect(history.layers.map(({ hiddenBytes }) => hiddenBytes)).toEqual([0, 0, 0, 4])
    expect(history.layers[0]).toMatchObject({ fileBytes: 4, wastedBytes: 4 })
    const before = await historyOf([file('a', '4444'), hard('b', 'a')], [file('.wh.a')])
    expect(before).toMatchObject({ fileBytes: 4, wastedBytes: 0 })
  })

  it('are counted once for a layer that an image has twice', async () => {
    const same = layer(1, [file('f', 'four')])
    const history = await readHistory([same, layer(2, [file('.wh.f')]), same])
    expect(history).toMatchObject({ fileBytes: 4, wastedBytes: 0 })
  })
})

describe('the history of an image', () => {
  it('ends in the tree that a machine boots from', async () => {
    const layers = [
      [dir('etc/'), file('etc/a', 'one'), link('l', 'etc'), hard('etc/h', 'etc/a'), file('d/x/y')],
      [file('l/b', 'two'), file('etc/.wh.a'), file('d/.wh..wh..opq'), file('d/x/z', '1')],
      [file('d', 'a file now'), dir('l/', { mode: 0o700 }), file('l/in', 'i')],
    ]
    expect(shown(await historyOf(...layers))).toEqual(listTree(await treeOf(...layers)))
  })

  it('says in which layer something is wrong', async () => {
    await expect(historyOf([file('a')], [hard('b', 'none')])).rejects.toMatchObject({
      code: 'IMAGE_INVALID',
      message: expect.stringMatching(/^layer 2 of 2: /) as string,
    })
  })

  it('stops when it is told to', async () => {
    const members = Array.from({ length: 10_000 }, (_, index) => file(`f${index}`))
    await expect(readHistory([layer(1, members)], AbortSignal.abort())).rejects.toMatchObject({
      code: 'CANCELLED',
    })
  })
})
