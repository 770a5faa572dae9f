// SPDX-License-Identifier: Apache-2.0
// Archives that are broken on purpose: extended headers that lie, sizes, numbers and names that cannot be,
// ends that are missing. Either they mean one thing only, or they are refused.
import { describe, expect, it } from 'vitest'
import type { FsNode } from '../../../../src/main/image/tree/fs-tree'
import { useHostileStore, type HostileLayer } from './support/hostile-image'
import { dir, file, link, nodeAt } from './support/make-tree'
import {
  END,
  headerBlock,
  memberBytes,
  padded,
  paxMember,
  sealed,
  tarOf,
} from './support/tar-bytes'

const { outcomeOf, takeIn } = useHostileStore()
const INVALID = 'IMAGE_INVALID'
const TOO_LARGE = 'IMAGE_TOO_LARGE'

type Case = readonly [what: string, layer: HostileLayer, outcome: string[] | string]

const join = (...parts: Buffer[]): Buffer => Buffer.concat([...parts, END])
/** A PAX header with these bytes in it. */
const rawPax = (text: string, flag = 'x'): Buffer =>
  Buffer.concat([
    headerBlock({ name: 'x', flag }, text.length),
    padded(Buffer.from(text, 'latin1')),
  ])
const gnuLong = (flag: 'L' | 'K', text: string): Buffer =>
  Buffer.concat([
    headerBlock({ name: '././@LongLink', flag, format: 'gnu' }, text.length),
    padded(Buffer.from(text, 'latin1')),
  ])
/** A header with bytes put over it, and a checksum that fits. */
function patched(at: number, bytes: Buffer, member = file('f')): Buffer {
  const block = headerBlock(member, 0)
  bytes.copy(block, at)
  return sealed(block)
}
/** GNU's form for numbers that octal digits do not hold. */
function base256(value: bigint, length: number): Buffer {
  const bytes = Buffer.alloc(length)
  let rest = BigInt.asUintN(8 * length, value)
  for (let i = length - 1; i >= 0; i--, rest >>= 8n) bytes[i] = Number(rest & 0xffn)
  bytes[0]! |= 0x80
  return bytes
}
const f = memberBytes(file('f', 'x'))

const paxHeaders: Case[] = [
  ['a path that leads out', [{ ...file('ok'), pax: { path: '../../passwd' } }], INVALID],
  [
    'an absolute path',
    [{ ...file('ok', 'x'), pax: { path: '/etc/passwd' } }],
    ['etc/', 'etc/passwd=1'],
  ],
  ['the root as path of a file', [{ ...file('ok', 'x'), pax: { path: './' } }], INVALID],
  ['a path with a NUL', [{ ...file('ok'), pax: { path: 'a\0/../../b' } }], INVALID],
  ['a whiteout as path', [{ ...file('ok'), pax: { path: '.wh...' } }], INVALID],
  ['an empty path: the header’s own counts', [{ ...file('ok', 'x'), pax: { path: '' } }], ['ok=1']],
  ['a path of 4097 bytes', [{ ...file('ok'), pax: { path: 'd/'.repeat(2048) + 'f' } }], INVALID],
  ['a part of 256 bytes', [{ ...file('ok'), pax: { path: 'n'.repeat(256) } }], INVALID],
  [
    'a part of 255 bytes',
    [{ ...file('ok', 'x'), pax: { path: 'n'.repeat(255) } }],
    [`${'n'.repeat(255)}=1`],
  ],
  [
    'a link’s path that leads out',
    [{ ...link('l', 'ok'), pax: { linkpath: '../../../etc' } }, file('l/passwd', 'x')],
    ['etc/', 'etc/passwd=1', 'l → ../../../etc'],
  ],
  [
    'a hard link’s path that leads out',
    [{ name: 'h', flag: '1', link: 'f', pax: { linkpath: '../f' } }],
    INVALID,
  ],
  ['a path twice: the last one counts', join(rawPax('10 path=a\n10 path=b\n'), f), ['b=1']],
  [
    'two headers: the last one counts',
    join(rawPax('10 path=a\n'), rawPax('10 path=b\n'), f),
    ['b=1'],
  ],
  ['nothing behind it', join(rawPax('10 path=a\n')), []],
  ['a size that is larger', join(rawPax('12 size=600\n'), memberBytes(file('f', 'x')), f), INVALID],
  [
    'a size that is smaller: the rest is no header',
    [{ ...file('f', 'x'.repeat(2000)), pax: { size: '1' } }],
    INVALID,
  ],
  ['a size of nothing', [{ ...file('f', ''), pax: { size: '0' } }], ['f=0']],
  ['a size that is negative', [{ ...file('f'), pax: { size: '-1' } }], INVALID],
  ['a size beyond all disks', [{ ...file('f'), pax: { size: '9007199254740991' } }], TOO_LARGE],
  ['a size beyond all numbers', [{ ...file('f'), pax: { size: '9'.repeat(40) } }], INVALID],
  ['a size with a point', [{ ...file('f'), pax: { size: '1.5' } }], INVALID],
  [
    'a size of a link: it has none',
    [{ ...link('l', 'f'), pax: { size: '512' } }, file('f', 'x')],
    ['f=1', 'l → f'],
  ],
  ['an owner beyond 32 bits', [{ ...file('f'), pax: { uid: '4294967296' } }], INVALID],
  ['an owner that is no one', [{ ...file('f'), pax: { gid: '4294967295' } }], INVALID],
  ['a negative owner', [{ ...file('f'), pax: { uid: '-1' } }], INVALID],
  ['a time that is none', [{ ...file('f'), pax: { mtime: 'yesterday' } }], INVALID],
  ['a time beyond all numbers', [{ ...file('f'), pax: { mtime: '9'.repeat(16) } }], INVALID],
  ['a record that is longer than the header', join(rawPax('99 path=a\n'), f), INVALID],
  ['a record of length 0', join(rawPax('0 path=a\n'), f), INVALID],
  ['a record that ends within its key', join(rawPax('4 path=a\n'), f), INVALID],
  ['a record without a line’s end', join(rawPax('10 path=ab'), f), INVALID],
  ['a record without a value', join(rawPax('7 path\n'), f), INVALID],
  ['a record without a length', join(rawPax(' path=a\n'), f), INVALID],
  ['a negative length', join(rawPax('-10 path=a\n'), f), INVALID],
  [
    'a length with more digits than any',
    join(rawPax('0000000000000000000010 path=a\n'), f),
    INVALID,
  ],
  ['more bytes than any needs', join(headerBlock({ name: 'x', flag: 'x' }, 2 ** 31)), INVALID],
  ['a hundred thousand records', join(rawPax('6 a=b\n'.repeat(100_000)), f), ['f=1']],
  [
    'a header for all that follow: it is read past',
    join(paxMember({ path: '../all', size: '7' }, 'g'), f, memberBytes(file('g', 'y'))),
    ['f=1', 'g=1'],
  ],
  [
    'sparse files, version 0.0',
    [{ ...file('f'), pax: { 'GNU.sparse.size': '1099511627776' } }],
    INVALID,
  ],
  [
    'sparse files, version 0.1',
    [{ ...file('f'), pax: { 'GNU.sparse.map': '0,1,1099511627776,1' } }],
    INVALID,
  ],
  [
    'sparse files, version 1.0',
    [
      {
        ...file('GNUSparseFile.1/f'),
        pax: {
          'GNU.sparse.major': '1',
          'GNU.sparse.minor': '0',
          'GNU.sparse.name': '../f',
          'GNU.sparse.realsize': '9'.repeat(15),
        },
      },
    ],
    INVALID,
  ],
  [
    'another character set',
    [{ ...file('f'), pax: { hdrcharset: 'ISO-IR 10646 2000 UTF-16' } }],
    INVALID,
  ],
]

const headers: Case[] = [
  ['a long name of GNU’s that leads out', join(gnuLong('L', '../../passwd\0'), f), INVALID],
  [
    'a long name of GNU’s with a NUL: what follows is not looked at',
    join(gnuLong('L', 'a\0/../../b'), f),
    ['a=1'],
  ],
  ['a long name of GNU’s without an end', join(gnuLong('L', 'abc'), f), ['abc=1']],
  ['a long name of GNU’s that is empty', join(gnuLong('L', ''), f), INVALID],
  [
    'a long link of GNU’s, then a file',
    join(gnuLong('K', '/etc/shadow\0'), f, memberBytes(link('l', 'ok'))),
    ['f=1', 'l → ok'],
  ],
  ['a long name of 2 GiB', join(headerBlock({ name: 'x', flag: 'L' }, 2 ** 31)), INVALID],
  ['GNU’s old sparse files', [{ ...file('f'), flag: 'S', format: 'gnu' }], INVALID],
  ['a volume’s label', [{ ...file('f'), flag: 'V', format: 'gnu' }], INVALID],
  ['a folder’s listing of GNU’s', [{ ...file('f'), flag: 'D', format: 'gnu' }], INVALID],
  ['the rest of another volume', [{ ...file('f'), flag: 'M', format: 'gnu' }], INVALID],
  ['a type of no one’s', [{ ...file('f'), flag: 'Z' }], INVALID],
  ['a size in base 256 that is negative', join(patched(124, base256(-1n, 12))), INVALID],
  ['a size in base 256 beyond all numbers', join(patched(124, base256(2n ** 80n, 12))), INVALID],
  ['a size in base 256 beyond all disks', join(patched(124, base256(2n ** 45n, 12))), TOO_LARGE],
  ['a negative owner in base 256', join(patched(108, base256(-5n, 8))), INVALID],
  ['a size of letters', join(patched(124, Buffer.from('abcdefghijk\0'))), INVALID],
  ['a size with a sign', join(patched(124, Buffer.from('-0000000001\0'))), INVALID],
  [
    'a size of nothing at all',
    join(patched(124, Buffer.alloc(12)), memberBytes(file('g', 'y'))),
    ['f=0', 'g=1'],
  ],
  [
    'a folder with a size: it has no content',
    [{ ...dir('d/'), size: 512 }, file('g', 'y')],
    ['d/', 'g=1'],
  ],
  [
    'a device with a size: it has no content',
    [{ name: 'c', flag: '3', size: 1024 }, file('g', 'y')],
    ['c=0', 'g=1'],
  ],
  [
    'a folder with a size and content of it',
    [{ ...dir('d/'), data: 'not a header, but content'.padEnd(600) }],
    INVALID,
  ],
  [
    'a device number that Linux has not',
    [{ name: 'c', flag: '3', major: 1, minor: 0x100000 }],
    INVALID,
  ],
  [
    'a negative device number',
    join(patched(329, base256(-1n, 8), { name: 'c', flag: '4' })),
    INVALID,
  ],
  [
    'a checksum that is wrong',
    join(Buffer.concat([headerBlock(file('f'), 0)]).fill('7', 0, 1)),
    INVALID,
  ],
  ['a checksum of signed bytes', join(signed(headerBlock(file('\u00fc'), 0))), ['ü=0']],
  ['a name that is no UTF-8', [file(Buffer.from([0x66, 0xff]) as unknown as string)], INVALID],
  [
    'a name of half a surrogate pair',
    [file(Buffer.from([0xed, 0xa0, 0x80]) as unknown as string)],
    INVALID,
  ],
  [
    'a name in two forms of Unicode: two names',
    [file('\u00e9', 'x'), file('e\u0301', 'yy')],
    ['e\u0301=2', '\u00e9=1'],
  ],
  ['a name with a mark of byte order', [file('\ufefff', 'x')], ['\ufefff=1']],
]

/** With the checksum that writers make whose bytes are signed. */
function signed(block: Buffer): Buffer {
  block.fill(' ', 148, 156)
  const sum = block.reduce((total, byte) => total + ((byte << 24) >> 24), 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return block
}

const ends: Case[] = [
  ['no bytes at all', Buffer.alloc(0), []],
  ['only zeros', Buffer.alloc(10_240), []],
  ['no end', f, ['f=1']],
  ['half an end', Buffer.concat([f, Buffer.alloc(512)]), ['f=1']],
  ['half a block', Buffer.concat([f, Buffer.alloc(100, 'x')]), INVALID],
  ['half a header', tarOf(file('f')).subarray(0, 300), INVALID],
  ['half the content', memberBytes(file('f', 'x'.repeat(3000))).subarray(0, 2048), INVALID],
  ['half an extended header', paxMember({ path: 'x'.repeat(900) }).subarray(0, 1024), INVALID],
  ['an entry behind one block of zeros', Buffer.concat([Buffer.alloc(512), f]), INVALID],
  [
    'an entry behind the end: it is not looked at',
    Buffer.concat([tarOf(file('a')), tarOf(file('../b'))]),
    ['a=0'],
  ],
  ['bytes that are nothing', Buffer.alloc(5000, 'garbage '), INVALID],
  ['a page of the web', Buffer.from('<!doctype html><title>404</title>'.padEnd(2048)), INVALID],
]

describe.each([
  ['an extended header with', paxHeaders],
  ['a header with', headers],
  ['an archive with', ends],
] as const)('%s', (_family, cases) => {
  it.each(cases)('%s', async (_what, layer, outcome) => {
    expect(await outcomeOf([layer])).toEqual(outcome)
  })
})

describe('what an entry says of its file', () => {
  const only = async (layer: HostileLayer, path = 'f'): Promise<FsNode> =>
    nodeAt(await takeIn([layer]), path)

  it('may be a time long ago or far ahead', async () => {
    const early = join(patched(136, base256(-(2n ** 40n), 12)))
    expect((await only(early)).mtime).toBe(-(2 ** 40))
    expect((await only([{ ...file('f'), pax: { mtime: '-0.000000001' } }])).mtime).toBe(-1)
    const late = await only([{ ...file('f'), pax: { mtime: '99999999999.9999999999' } }])
    expect(late).toMatchObject({ mtime: 99_999_999_999, mtimeNs: 999_999_999 })
  })

  it('may be any mode, of which the bits of a file’s permissions count', async () => {
    const block = join(patched(100, Buffer.from('7777777\0')))
    expect((await only(block)).mode).toBe(0o7777)
  })

  it('gives overlayfs no orders, nor whoever takes owners from an attribute', async () => {
    const names = [
      'trusted.overlay.opaque',
      'trusted.overlay.redirect',
      'trusted.overlay.metacopy',
      'trusted.anything',
      'security.capability',
      'user.kept',
    ]
    const pax = Object.fromEntries(names.map((name) => [`SCHILY.xattr.${name}`, 'y']))
    const node = await only([{ ...dir('f/'), pax }])
    expect([...node.xattrs.keys()].toSorted()).toEqual(['security.capability', 'user.kept'])
    const coded = { 'LIBARCHIVE.xattr.trusted%2Eoverlay.opaque': 'eQ' }
    expect((await only([{ ...dir('f/'), pax: coded }])).xattrs.size).toBe(0)
  })

  it.each<[string, Record<string, string>]>([
    ['without a name', { 'SCHILY.xattr.': 'x' }],
    ['with a name of 256 bytes', { [`SCHILY.xattr.user.${'n'.repeat(251)}`]: 'x' }],
    ['with a NUL in its name', { 'SCHILY.xattr.user.\0': 'x' }],
    ['with a name that is not coded right', { 'LIBARCHIVE.xattr.user.%ff': 'eA' }],
    ['of more than 64 KiB', { 'SCHILY.xattr.user.a': 'x'.repeat(65_537) }],
    [
      'and others that have more than 64 KiB together',
      Object.fromEntries(
        Array.from({ length: 70 }, (_, i) => [`SCHILY.xattr.user.${i}`, 'x'.repeat(1000)]),
      ),
    ],
  ])('is refused with an attribute %s', async (_what, pax) => {
    expect(await outcomeOf([[{ ...file('f'), pax }]])).toBe(INVALID)
  })
})
