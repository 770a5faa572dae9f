// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { buildFsTree, graftBundle } from '../../../../../src/main/image/tree/fs-tree'
import { dir, file, hard, layer, link, listTree, nodeAt, treeOf } from '../support/make-tree'

describe('the tree of an image', () => {
  it('is what the layers say, one over the other', async () => {
    const tree = await treeOf(
      [dir('etc/'), file('etc/a', 'one'), file('etc/b', 'b')],
      [file('etc/a', 'longer'), file('new', '1')],
    )
    expect(listTree(tree)).toEqual(['etc/', 'etc/a=6', 'etc/b=1', 'new=1'])
    expect(tree.layers.map(({ dataPath }) => dataPath)).toEqual([
      '/layers/1.data',
      '/layers/2.data',
    ])
    expect(nodeAt(tree, 'etc/a')).toMatchObject({ layer: 1, offset: 0 })
    expect(nodeAt(tree, 'new')).toMatchObject({ layer: 1, offset: 4096 })
    expect(nodeAt(tree, 'etc/b')).toMatchObject({ layer: 0, offset: 4096 })
  })

  it('of no layers is an empty root', async () => {
    const tree = await treeOf()
    expect(listTree(tree)).toEqual([])
    expect(tree.root).toMatchObject({ type: 'directory', mode: 0o755, uid: 0, gid: 0 })
  })

  it('takes root metadata from an entry for the root', async () => {
    const { root } = await treeOf([dir('./', { mode: 0o700, uid: 5, mtime: 9 })])
    expect(root).toMatchObject({ mode: 0o700, uid: 5, mtime: 9 })
  })

  it('makes parents that are missing', async () => {
    const tree = await treeOf([file('a/b/c', 'x')])
    expect(nodeAt(tree, 'a/b')).toMatchObject({ type: 'directory', mode: 0o755, uid: 0, gid: 0 })
  })

  it('lets the last of several entries of one name win', async () => {
    const tree = await treeOf([
      file('a', '1'),
      file('a', '22'),
      dir('d/', { mode: 0o700 }),
      file('d/x'),
      dir('d/', { uid: 3 }),
    ])
    expect(listTree(tree)).toEqual(['a=2', 'd/', 'd/x=0'])
    expect(nodeAt(tree, 'd')).toMatchObject({ mode: 0o755, uid: 3 })
  })

  it('names only layers that it takes content from, each once', async () => {
    const same = layer(7, [file('s', 'same')])
    const tree = await buildFsTree([
      layer(1, [file('gone', 'x'), file('kept', 'k')]),
      layer(2, [file('.wh.gone')]),
      layer(3, [file('over', 'o')]),
      same,
      layer(5, [file('over', 'p'), file('empty')]),
      same,
    ])
    expect(tree.layers.map(({ dataPath }) => dataPath)).toEqual([
      '/layers/1.data',
      '/layers/7.data',
      '/layers/5.data',
    ])
    const contentOf = (path: string): string => tree.layers[nodeAt(tree, path).layer]!.dataPath
    expect(['kept', 's', 'over'].map(contentOf)).toEqual([
      '/layers/1.data',
      '/layers/7.data',
      '/layers/5.data',
    ])
  })

  it('leaves trusted.* attributes out', async () => {
    const pax = { 'SCHILY.xattr.trusted.overlay.opaque': 'y', 'SCHILY.xattr.user.k': 'v' }
    const tree = await treeOf([dir('d/', { pax })])
    expect([...nodeAt(tree, 'd').xattrs.keys()]).toEqual(['user.k'])
  })

  it('stops when it is told to', async () => {
    const one = layer(1, [file('f')])
    const [entry] = one.list()
    const list = function* () {
      for (let i = 0; ; i++) yield { ...entry!, path: `f${i}` }
    }
    await expect(buildFsTree([{ ...one, list }], AbortSignal.abort())).rejects.toMatchObject({
      code: 'CANCELLED',
    })
  })
})

describe('a whiteout', () => {
  it('removes a file, a link or a whole directory of the layers below', async () => {
    const tree = await treeOf(
      [file('a'), file('keep'), dir('d/'), file('d/e/f'), link('l', 'keep')],
      [file('.wh.a'), file('.wh.d'), file('.wh.l'), file('.wh.never-there')],
    )
    expect(listTree(tree)).toEqual(['keep=0'])
  })

  it.each([
    ['before', [file('.wh.d'), dir('d/', { uid: 1 }), file('d/new')]],
    ['after', [dir('d/', { uid: 1 }), file('d/new'), file('.wh.d')]],
    ['between', [dir('d/', { uid: 1 }), file('.wh.d'), file('d/new')]],
  ])(
    'hits lower layers only when it stands %s what its own layer puts there',
    async (_where, top) => {
      const tree = await treeOf([dir('d/'), file('d/old'), file('d/sub/old')], top)
      expect(listTree(tree)).toEqual(['d/', 'd/new=0'])
      expect(nodeAt(tree, 'd').uid).toBe(1)
    },
  )

  it('leaves nothing of a lower directory but what own entries need', async () => {
    const tree = await treeOf(
      [dir('d/', { uid: 9, mode: 0o700 }), file('d/old')],
      [file('d/new'), file('.wh.d')],
    )
    expect(listTree(tree)).toEqual(['d/', 'd/new=0'])
    expect(nodeAt(tree, 'd')).toMatchObject({ uid: 0, mode: 0o755 })
  })

  it('does not hit a name that its own layer has linked to a lower file', async () => {
    const tree = await treeOf([file('a', 'content')], [hard('b', 'a'), file('.wh.a')])
    expect(listTree(tree)).toEqual(['b=7'])
  })

  it.each([
    ['before', [file('d/.wh..wh..opq'), file('d/new'), file('d/s/new')]],
    ['after', [file('d/new'), file('d/s/new'), file('d/.wh..wh..opq')]],
  ])('makes a directory opaque when it stands %s the new entries', async (_where, top) => {
    const tree = await treeOf(
      [dir('d/', { uid: 4 }), file('d/old'), file('d/s/old'), file('e')],
      top,
    )
    expect(listTree(tree)).toEqual(['d/', 'd/new=0', 'd/s/', 'd/s/new=0', 'e=0'])
    expect(nodeAt(tree, 'd').uid).toBe(4)
  })

  it('makes the root opaque', async () => {
    expect(
      listTree(await treeOf([file('a'), file('b/c')], [file('.wh..wh..opq'), file('n')])),
    ).toEqual(['n=0'])
  })

  it('goes through links inside the root, but removes a link and not what it leads to', async () => {
    const below = [
      dir('real/'),
      file('real/a'),
      file('real/b'),
      link('via', '/real'),
      link('gone', 'real'),
    ]
    const tree = await treeOf(below, [file('via/.wh.a'), file('.wh.gone')])
    expect(listTree(tree)).toEqual(['real/', 'real/b=0', 'via → /real'])
  })

  it('does nothing where there is nothing to remove', async () => {
    const tree = await treeOf(
      [file('f')],
      [file('no/where/.wh.x'), file('f/.wh.x'), file('f/.wh..wh..opq'), link('loop', 'loop')],
    )
    expect(listTree(tree)).toEqual(['f=0', 'loop → loop'])
  })

  it('has no meaning in the bottom layer', async () => {
    const tree = await treeOf([file('a'), file('.wh.a'), file('d/x'), file('d/.wh..wh..opq')])
    expect(listTree(tree)).toEqual(['a=0', 'd/', 'd/x=0'])
  })

  it('is not made by names that only begin alike', async () => {
    expect(listTree(await treeOf([file('a')], [file('x.wh.a'), file('.whale')]))).toEqual([
      '.whale=0',
      'a=0',
      'x.wh.a=0',
    ])
  })

  it('of AUFS itself is read past', async () => {
    const tree = await treeOf(
      [file('a')],
      [dir('.wh..wh.plnk/'), file('.wh..wh.plnk/1.2', 'x'), file('.wh..wh.aufs')],
    )
    expect(listTree(tree)).toEqual(['a=0'])
  })

  it.each(['.wh.', '.wh..', '.wh...', 'd/.wh..', '.wh.d/inside'])(
    'named %s is refused',
    async (name) => {
      await expect(treeOf([file('a')], [file(name)])).rejects.toMatchObject({
        code: 'IMAGE_INVALID',
      })
    },
  )

  it('gives the same result in any order of the entries of a layer', async () => {
    const below = [file('a/1'), file('a/2'), file('b/c/1'), file('b/c/2'), file('x'), file('y/z')]
    const top = [
      file('a/.wh.1'),
      file('a/3'),
      file('b/.wh.c'),
      file('b/c/3'),
      file('y/.wh..wh..opq'),
      file('.wh.x'),
      file('y/n'),
    ]
    const expected = ['a/', 'a/2=0', 'a/3=0', 'b/', 'b/c/', 'b/c/3=0', 'y/', 'y/n=0']
    for (let turn = 0; turn < 100; turn++) {
      const mixed = shuffled(top, turn)
      expect(listTree(await treeOf(below, mixed)), mixed.map(({ name }) => name).join()).toEqual(
        expected,
      )
    }
  })
})

describe('an entry over another type', () => {
  it('replaces it', async () => {
    const tree = await treeOf(
      [file('f', 'x'), dir('d/'), file('d/in'), link('l', 'd')],
      [dir('f/'), file('f/in'), file('d', 'now'), dir('l/'), file('l/in')],
    )
    expect(listTree(tree)).toEqual(['d=3', 'f/', 'f/in=0', 'l/', 'l/in=0'])
  })

  it('that is a directory over a link to a directory replaces the link, as Docker has it', async () => {
    const tree = await treeOf(
      [dir('usr/lib/'), file('usr/lib/so'), link('lib', 'usr/lib')],
      [dir('lib/'), file('lib/x')],
    )
    expect(listTree(tree)).toEqual(['lib/', 'lib/x=0', 'usr/', 'usr/lib/', 'usr/lib/so=0'])
  })
})

describe('a path through links', () => {
  const below = [
    dir('usr/lib/'),
    link('lib', 'usr/lib'),
    link('abs', '/usr/lib'),
    link('up', '../../../../usr/lib'),
    link('twice', 'lib'),
  ]

  it.each(['lib', 'abs', 'up', 'twice'])('%s resolves inside the root', async (name) => {
    const tree = await treeOf(below, [file(`${name}/new`)])
    expect(nodeAt(tree, 'usr/lib/new').type).toBe('file')
  })

  it('makes the directory a link leads to if it is missing', async () => {
    const tree = await treeOf([link('run', '/var/run')], [file('run/pid')])
    expect(listTree(tree)).toEqual(['run → /var/run', 'var/', 'var/run/', 'var/run/pid=0'])
  })

  it('follows the present link, not one that was there before', async () => {
    const tree = await treeOf([
      dir('a/'),
      dir('b/'),
      link('l', 'a'),
      file('l/1'),
      link('l', 'b'),
      file('l/2'),
    ])
    expect(listTree(tree)).toEqual(['a/', 'a/1=0', 'b/', 'b/2=0', 'l → b'])
  })

  it.each([
    ['a loop', [link('a', 'b'), link('b', 'a'), file('a/x')], 'too many links'],
    ['a link to itself', [link('a', 'a'), file('a/x')], 'too many links'],
    ['a file', [file('a'), file('a/x')], 'not a directory'],
    ['a link to a file', [file('f'), link('a', 'f'), file('a/x')], 'not a directory'],
  ])('through %s is refused by name', async (_what, members, why) => {
    await expect(treeOf(members)).rejects.toMatchObject({
      code: 'IMAGE_INVALID',
      message: expect.stringMatching(new RegExp(`layer 1 of 1: "a/x": .*${why}`)) as string,
    })
  })

  it('cannot nest directories deeper than a path could name', async () => {
    const half = Array.from({ length: 1100 }, () => 'd').join('/')
    const shortcut = { ...link('s', ''), pax: { linkpath: `/${half}` } }
    const beyond = { ...dir('x'), pax: { path: `s/${half}` } }
    await expect(treeOf([shortcut, beyond])).rejects.toMatchObject({
      code: 'IMAGE_INVALID',
      message: expect.stringContaining('2048 folders deep') as string,
    })
  })
})

describe('a hard link', () => {
  it('is the same file under one more name, also over layers', async () => {
    const tree = await treeOf(
      [file('a', 'content'), hard('b', 'a')],
      [hard('c', '/b'), hard('via/d', './a'), file('a', 'other')],
    )
    expect(nodeAt(tree, 'c')).toBe(nodeAt(tree, 'b'))
    expect(nodeAt(tree, 'via/d')).toBe(nodeAt(tree, 'b'))
    expect(nodeAt(tree, 'a')).not.toBe(nodeAt(tree, 'b'))
    expect(nodeAt(tree, 'c')).toMatchObject({ layer: 0, size: 7 })
  })

  it('brings its metadata, and leaves attributes that it does not tell of', async () => {
    const pax = { 'SCHILY.xattr.user.k': 'v' }
    const tree = await treeOf([file('a', '', { pax }), hard('b', 'a', { mode: 0o4755, uid: 6 })])
    expect(nodeAt(tree, 'a')).toMatchObject({ mode: 0o4755, uid: 6 })
    expect(nodeAt(tree, 'a').xattrs.size).toBe(1)
  })

  it('to a link is to the link', async () => {
    const tree = await treeOf([link('l', 'nowhere'), hard('h', 'l')])
    expect(nodeAt(tree, 'h')).toBe(nodeAt(tree, 'l'))
    expect(nodeAt(tree, 'h').mode).toBe(0o777)
  })

  it('finds its target through links inside the root', async () => {
    const tree = await treeOf([file('real/f', 'x'), link('via', '/../real'), hard('h', 'via/f')])
    expect(nodeAt(tree, 'h')).toBe(nodeAt(tree, 'real/f'))
  })

  it.each([
    ['nothing', [hard('h', 'missing')], 'does not exist'],
    ['what a whiteout has removed', [file('x')], 'does not exist'],
    ['a directory', [dir('missing/'), hard('h', 'missing')], 'directory'],
    ['itself', [file('h'), hard('h', './h')], 'itself'],
    ['outside', [hard('h', '../../etc/passwd')], 'outside the root'],
  ])('to %s is refused by name', async (what, members, why) => {
    const layers = what.startsWith('what')
      ? [[file('t')], [file('.wh.t')], [hard('h', 't')]]
      : [members]
    await expect((async () => treeOf(...layers))()).rejects.toMatchObject({
      code: 'IMAGE_INVALID',
      message: expect.stringMatching(new RegExp(`"h".*${why}`)) as string,
    })
  })
})

describe('the guest bundle', () => {
  const bundle = layer(50, [
    dir('.microvm/'),
    file('.microvm/init', 'init'),
    link('.microvm/sh', 'busybox'),
    dir('./'),
  ])

  it('comes to /.microvm in place of what the image has there, and changes no other tree', async () => {
    const tree = await treeOf([file('.microvm/evil', 'x'), file('etc/a', 'y')])
    const before = listTree(tree)
    const grafted = await graftBundle(tree, bundle)
    expect(listTree(grafted)).toEqual([
      '.microvm/',
      '.microvm/init=4',
      '.microvm/sh → busybox',
      'etc/',
      'etc/a=1',
    ])
    expect(grafted.layers[nodeAt(grafted, '.microvm/init').layer]!.dataPath).toBe('/layers/50.data')
    expect(grafted.layers[nodeAt(grafted, 'etc/a').layer]!.dataPath).toBe('/layers/1.data')
    expect(listTree(tree)).toEqual(before)
  })

  it('replaces also a link the image has put there', async () => {
    const tree = await treeOf([link('.microvm', '/etc'), dir('etc/')])
    expect(nodeAt(await graftBundle(tree, bundle), '.microvm/init').size).toBe(4)
    expect(nodeAt(tree, 'etc').children.size).toBe(0)
  })

  it('has nothing elsewhere', async () => {
    const stray = layer(51, [file('etc/passwd')])
    await expect(graftBundle(await treeOf(), stray)).rejects.toMatchObject({
      code: 'IMAGE_INVALID',
    })
  })
})

/** Fisher-Yates over a small linear congruential generator: the same for the same seed. */
function shuffled<T>(list: readonly T[], seed: number): T[] {
  const mixed = [...list]
  let state = seed + 1
  for (let i = mixed.length - 1; i > 0; i--) {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31
    const j = state % (i + 1)
    ;[mixed[i], mixed[j]] = [mixed[j]!, mixed[i]!]
  }
  return mixed
}
