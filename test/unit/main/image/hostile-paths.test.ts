// SPDX-License-Identifier: Apache-2.0
// Archives whose names, links and whiteouts aim at what is not theirs. The families are those that
// container runtimes have learned of: breaking out by names, by symbolic links, by hard links, by
// replacing one type with another, and whiteouts of what must not go.
import { describe, expect, it } from 'vitest'
import { dir, file, hard, link } from './support/make-tree'
import { useHostileStore, type HostileLayer } from './support/hostile-image'

const { outcomeOf } = useHostileStore()

/** What it is about, the layers, and the tree that comes of them or the error. */
type Case = readonly [what: string, layers: readonly HostileLayer[], outcome: string[] | string]

const INVALID = 'IMAGE_INVALID'
const etc = [dir('etc/'), file('etc/passwd', 'own')]

const names: Case[] = [
  ['up and out', [[file('../passwd')]], INVALID],
  ['up and out, far', [[file('../../../../../../etc/passwd')]], INVALID],
  ['in, then up and out', [[file('a/b/../../../passwd')]], INVALID],
  ['absolute', [[file('/etc/passwd', 'x')]], ['etc/', 'etc/passwd=1']],
  ['absolute, then up', [[file('/../../etc/passwd', 'x')]], ['etc/', 'etc/passwd=1']],
  ['with several slashes', [[file('//etc//passwd', 'x')]], ['etc/', 'etc/passwd=1']],
  ['with dots', [[file('./././etc/./passwd', 'x')]], ['etc/', 'etc/passwd=1']],
  ['up and in again', [[file('a/../etc/passwd', 'x')]], ['etc/', 'etc/passwd=1']],
  ['that are three dots', [[file('...', 'x'), file('.../f', 'y')]], INVALID],
  ['that only look like up', [[file('..a', 'x'), file('a..', 'y')]], ['..a=1', 'a..=1']],
  ['that are the root, a folder', [[dir('/'), dir('.'), dir('./'), dir('//')]], []],
  ['that are the root, a file', [[file('/', 'x')]], INVALID],
  ['that are the root, "."', [[file('.', 'x')]], INVALID],
  ['that are the root, ".."', [[dir('..')]], INVALID],
  ['that are the root, nothing', [[file('', 'x')]], INVALID],
  ['that are the root, a link', [[link('/', '/etc')]], INVALID],
  ['that are the root, a hard link', [[file('a'), hard('.', 'a')]], INVALID],
  ['that are the root, by a detour', [[link('a/..', '/etc')]], INVALID],
  ['of a file with a slash', [[file('etc/', 'x')]], ['etc=1']],
  ['below a file', [[file('a', 'x'), file('a/b', 'y')]], INVALID],
  ['below a device', [[{ name: 'a', flag: '3', major: 1, minor: 3 }, file('a/b', 'y')]], INVALID],
  [
    'of Windows',
    [[file('..\\..\\passwd', 'x'), file('C:\\x', 'y')]],
    ['..\\..\\passwd=1', 'C:\\x=1'],
  ],
  [
    'with line ends and escapes',
    [[file('a\nb', 'x'), file('\u001b[2J', 'y')]],
    ['\u001b[2J=1', 'a\nb=1'],
  ],
]

const symlinks: Case[] = [
  [
    'to outside, and a file through it',
    [[link('l', '/../../../etc'), file('l/passwd', 'x')]],
    ['etc/', 'etc/passwd=1', 'l → /../../../etc'],
  ],
  [
    'up and out, and a file through it',
    [[link('l', '../../../../etc'), file('l/passwd', 'x')]],
    ['etc/', 'etc/passwd=1', 'l → ../../../../etc'],
  ],
  [
    'in a folder, up and out',
    [[dir('a/b/'), link('a/b/l', '../../../../x'), file('a/b/l/f', '1')]],
    ['a/', 'a/b/', 'a/b/l → ../../../../x', 'x/', 'x/f=1'],
  ],
  [
    'to the root, and a file through it',
    [[link('l', '/'), file('l/passwd', 'x')]],
    ['l → /', 'passwd=1'],
  ],
  ['to ".", and a file through it', [[link('l', '.'), file('l/l2', 'x')]], ['l → .', 'l2=1']],
  ['to "..", and a file through it', [[link('l', '..'), file('l/l/f', 'x')]], ['f=1', 'l → ..']],
  [
    'in a chain',
    [[link('a', 'b'), link('b', 'c'), link('c', '/etc'), file('a/passwd', 'x')]],
    ['a → b', 'b → c', 'c → /etc', 'etc/', 'etc/passwd=1'],
  ],
  [
    'in a chain, one of it up and out',
    [[link('a', 'b/..'), link('b', '../../etc'), file('a/passwd', 'x')]],
    ['a → b/..', 'b → ../../etc', 'etc/', 'passwd=1'],
  ],
  [
    'and a file of the same name: no write through it',
    [[...etc, link('l', 'etc/passwd'), file('l', 'new')]],
    ['etc/', 'etc/passwd=3', 'l=3'],
  ],
  [
    'and a file of the same name in the next layer',
    [[...etc, link('l', '/etc/passwd')], [file('l', 'longer')]],
    ['etc/', 'etc/passwd=3', 'l=6'],
  ],
  [
    'and a folder of the same name: it is replaced',
    [[...etc, link('l', 'etc'), dir('l/'), file('l/passwd', 'longer')]],
    ['etc/', 'etc/passwd=3', 'l/', 'l/passwd=6'],
  ],
  [
    'and a link through it',
    [[link('a', '/etc'), link('a/b', '/'), file('a/b/passwd', 'x')]],
    ['a → /etc', 'etc/', 'etc/b → /', 'passwd=1'],
  ],
  [
    'that is replaced while one is below it',
    [[link('l', 'a'), file('l/1', 'x'), link('l', '../b'), file('l/2', 'y')]],
    ['a/', 'a/1=1', 'b/', 'b/2=1', 'l → ../b'],
  ],
  ['to itself', [[link('l', 'l'), file('l/f')]], INVALID],
  ['to each other', [[link('a', 'b/x'), link('b', 'a/x'), file('a/f')]], INVALID],
  [
    'one more than Linux follows',
    [[...Array.from({ length: 41 }, (_, i) => link(`l${i}`, `l${i + 1}`)), file('l0/f')]],
    INVALID,
  ],
  ['without a target', [[link('l', '')]], INVALID],
  [
    'with a target of 4096 bytes',
    [[{ ...link('l', 'x'), pax: { linkpath: 'x'.repeat(4096) } }]],
    INVALID,
  ],
  ['with a target that holds a NUL', [[{ ...link('l', 'x'), pax: { linkpath: 'a\0b' } }]], INVALID],
  [
    'with a size and bytes that look like an entry',
    [[{ ...link('l', 'etc'), size: 512 }, file('next', 'x')]],
    ['l → etc', 'next=1'],
  ],
  [
    'to the kernel’s files',
    [[link('p', '/proc/self/root'), file('p/etc/passwd', 'x')]],
    [
      'p → /proc/self/root',
      'proc/',
      'proc/self/',
      'proc/self/root/',
      'proc/self/root/etc/',
      'proc/self/root/etc/passwd=1',
    ],
  ],
]

const hardLinks: Case[] = [
  ['to outside', [[hard('h', '../../../etc/passwd')]], INVALID],
  ['to an absolute name that is not in the image', [[hard('h', '/etc/passwd')]], INVALID],
  [
    'to an absolute name that is',
    [[...etc, hard('h', '/etc/passwd')]],
    ['etc/', 'etc/passwd=3', 'h=3'],
  ],
  ['through a link that leads out', [[link('l', '/../../etc'), hard('h', 'l/passwd')]], INVALID],
  [
    'through a link that leads in',
    [[...etc, link('l', '../../etc'), hard('h', 'l/passwd')]],
    ['etc/', 'etc/passwd=3', 'h=3', 'l → ../../etc'],
  ],
  [
    'to a link that leads out, and a file of its name',
    [[link('l', '/etc/passwd'), hard('h', 'l'), file('h', 'x')]],
    ['h=1', 'l → /etc/passwd'],
  ],
  [
    'at a place that a link leads to',
    [[...etc, link('l', '/..'), hard('l/h', 'etc/passwd')]],
    ['etc/', 'etc/passwd=3', 'h=3', 'l → /..'],
  ],
  ['to a folder', [[dir('d/'), hard('h', 'd')]], INVALID],
  ['to the root', [[hard('h', '/')]], INVALID],
  ['to itself', [[hard('h', 'h')]], INVALID],
  ['to itself, which is there', [[file('h', 'x'), hard('h', './h')]], INVALID],
  ['to each other', [[hard('a', 'b'), hard('b', 'a')]], INVALID],
  ['to what comes later', [[hard('h', 'f'), file('f', 'x')]], INVALID],
  [
    'to what a layer below has taken away',
    [[file('f', 'x')], [file('.wh.f')], [hard('h', 'f')]],
    INVALID,
  ],
  [
    'to what its own layer takes away later',
    [[file('f', 'x')], [hard('h', 'f'), file('.wh.f')]],
    ['h=1'],
  ],
  ['to a whiteout', [[file('f')], [file('.wh.f'), hard('h', '.wh.f')]], INVALID],
  [
    'in the place of the folder it lies in',
    [[dir('d/'), file('d/f', 'x'), hard('d', 'd/f')]],
    ['d=1'],
  ],
  [
    'with a size and bytes of its own',
    [[file('f', 'x'), { ...hard('h', 'f'), size: 512 }, file('g')]],
    ['f=1', 'g=0', 'h=1'],
  ],
  ['to a device', [[{ name: 'c', flag: '3', major: 1, minor: 3 }, hard('h', 'c')]], ['c=0', 'h=0']],
]

const types: Case[] = [
  ['a file over a folder with files', [[...etc], [file('etc', 'x')]], ['etc=1']],
  ['a link over a folder with files', [[...etc], [link('etc', '/')]], ['etc → /']],
  [
    'a link over a folder, and a file through it',
    [[...etc], [link('etc', '/'), file('etc/passwd', 'xx')]],
    ['etc → /', 'passwd=2'],
  ],
  [
    'a folder over a file, and a file in it',
    [[file('etc', 'x')], [...etc]],
    ['etc/', 'etc/passwd=3'],
  ],
  [
    'a folder over a link to a folder',
    [
      [dir('real/'), file('real/f'), link('l', 'real')],
      [dir('l/'), file('l/g')],
    ],
    ['l/', 'l/g=0', 'real/', 'real/f=0'],
  ],
  [
    'a device over a folder',
    [[...etc], [{ name: 'etc', flag: '4', major: 8, minor: 0 }]],
    ['etc=0'],
  ],
  [
    'a fifo over a file, a file over a fifo',
    [
      [file('a', 'x'), { name: 'b', flag: '6' }],
      [{ name: 'a', flag: '6' }, file('b', 'y')],
    ],
    ['a=0', 'b=1'],
  ],
  [
    'the same name thrice',
    [[file('a', '1'), dir('a/'), file('a/b', 'x'), file('a', '333')]],
    ['a=3'],
  ],
  [
    'a folder, a link, a folder',
    [[dir('a/'), file('a/1'), link('a', '/'), file('a/2'), dir('a/'), file('a/3')]],
    ['2=0', 'a/', 'a/3=0'],
  ],
  [
    'a folder over itself keeps what is in it',
    [[...etc, dir('etc/', { mode: 0o700 })], [dir('etc')]],
    ['etc/', 'etc/passwd=3'],
  ],
]

const whiteouts: Case[] = [
  ['of nothing', [[...etc], [file('.wh.')]], INVALID],
  ['of "."', [[...etc], [file('etc/.wh..')]], INVALID],
  ['of ".."', [[...etc], [file('etc/.wh...')]], INVALID],
  ['of "..", as a folder', [[...etc], [dir('.wh.../')]], INVALID],
  [
    'of "...", which is a name',
    [[...etc, file('...', 'x')], [file('.wh....')]],
    ['etc/', 'etc/passwd=3'],
  ],
  [
    'of AUFS, which are none',
    [
      [...etc],
      [file('.wh..wh.'), file('.wh..wh.aufs'), dir('.wh..wh.plnk/'), file('.wh..wh.orph')],
    ],
    ['etc/', 'etc/passwd=3'],
  ],
  ['with a file below one', [[...etc], [dir('.wh.etc/'), file('.wh.etc/passwd')]], INVALID],
  ['with a name that leads out', [[...etc], [file('../.wh.etc')]], INVALID],
  [
    'through a link that leads out',
    [[...etc, link('l', '/../../..')], [file('l/.wh.etc')]],
    ['l → /../../..'],
  ],
  ['through a link to itself', [[...etc, link('l', 'l')], [file('l/.wh.etc')]], INVALID],
  [
    'of a link, not of what it leads to',
    [[...etc, link('l', '/etc')], [file('.wh.l')]],
    ['etc/', 'etc/passwd=3'],
  ],
  [
    'of the parent of what the layer has put there',
    [[...etc], [file('etc/new', 'n'), file('.wh.etc')]],
    ['etc/', 'etc/new=1'],
  ],
  [
    'of what the layer has put there itself',
    [[...etc], [file('etc/passwd', 'new!'), file('etc/.wh.passwd')]],
    ['etc/', 'etc/passwd=4'],
  ],
  [
    'of what the layer puts there after it',
    [[...etc], [file('etc/.wh.passwd'), file('etc/passwd', 'new!')]],
    ['etc/', 'etc/passwd=4'],
  ],
  ['with content', [[...etc], [file('etc/.wh.passwd', 'content nobody reads')]], ['etc/']],
  ['that are links', [[...etc], [link('etc/.wh.passwd', '/etc/passwd')]], ['etc/']],
  ['that are devices', [[...etc], [{ name: 'etc/.wh.passwd', flag: '3' }]], ['etc/']],
  [
    'as overlayfs keeps them are devices, no whiteouts',
    [[...etc], [{ name: 'etc/passwd', flag: '3' }]],
    ['etc/', 'etc/passwd=0'],
  ],
  [
    'that make the root opaque',
    [
      [...etc, file('a')],
      [file('.wh..wh..opq'), file('b')],
    ],
    ['b=0'],
  ],
  ['that make a file opaque', [[file('a', 'x')], [file('a/.wh..wh..opq')]], ['a=1']],
  [
    'that make what is not there opaque',
    [[...etc], [file('no/.wh..wh..opq')]],
    ['etc/', 'etc/passwd=3'],
  ],
  [
    'that make opaque what a link leads to',
    [[...etc, link('l', 'etc')], [file('l/.wh..wh..opq')]],
    ['etc/', 'l → etc'],
  ],
  [
    'that make opaque what is opaque, twice',
    [[...etc], [dir('etc/'), file('etc/.wh..wh..opq'), file('etc/n'), file('etc/.wh..wh..opq')]],
    ['etc/', 'etc/n=0'],
  ],
  [
    'in the lowest layer',
    [[...etc, file('etc/.wh.passwd'), file('.wh..wh..opq')]],
    ['etc/', 'etc/passwd=3'],
  ],
  [
    'of our own folder',
    [[dir('.microvm/'), file('.microvm/init', 'x')], [file('.wh..microvm')]],
    [],
  ],
]

describe.each([
  ['names', names],
  ['symbolic links', symlinks],
  ['hard links', hardLinks],
  ['types that replace others:', types],
  ['whiteouts', whiteouts],
] as const)('%s', (_family, cases) => {
  it.each(cases)('%s', async (_what, layers, outcome) => {
    expect(await outcomeOf(layers)).toEqual(outcome)
  })
})
