// SPDX-License-Identifier: Apache-2.0
import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { create } from 'tar'
import { afterAll, describe, expect, it } from 'vitest'
import type { TarEntry } from '../../../../../src/main/image/tar/tar-entry'
import { TarReader } from '../../../../../src/main/image/tar/tar-reader'
import {
  END,
  headerBlock,
  memberBytes,
  padded,
  paxMember,
  sealed,
  tarOf,
} from '../support/tar-bytes'

interface Read {
  entry: TarEntry
  content: string
}

/** Reads an archive in pieces of this size. */
function read(archive: Buffer, piece = archive.length): Read[] {
  const found: Read[] = []
  const reader = new TarReader({
    entry: (entry) => found.push({ entry, content: '' }),
    content: (chunk, start, end) => {
      found.at(-1)!.content += chunk.toString('latin1', start, end)
    },
  })
  for (let at = 0; at < archive.length; at += piece) reader.push(archive.subarray(at, at + piece))
  reader.finish()
  return found
}
const only = (archive: Buffer): TarEntry => read(archive)[0]!.entry
const folder = mkdtempSync(join(tmpdir(), 'tar-reader-'))
afterAll(() => rmSync(folder, { recursive: true }))

describe('a tar reader', () => {
  it('gives the same entries however the stream is cut', () => {
    const archive = tarOf(
      { name: 'dir/', flag: '5', mode: 0o1777 },
      { name: 'dir/a', data: 'x'.repeat(1000), pax: { mtime: '12.5', 'SCHILY.xattr.user.a': 'v' } },
      { name: 'empty' },
      { name: 'dir/b', data: 'y'.repeat(512) },
    )
    const whole = read(archive)
    expect(whole.map(({ entry }) => entry.path)).toEqual(['dir', 'dir/a', 'empty', 'dir/b'])
    expect(whole[1]!.content).toBe('x'.repeat(1000))
    for (const piece of [1, 7, 511, 512, 513, 1500]) expect(read(archive, piece)).toEqual(whole)
  })

  it('reads what the tar package writes', () => {
    mkdirSync(join(folder, 'd'))
    writeFileSync(join(folder, 'd/file'), 'content', { mode: 0o640 })
    linkSync(join(folder, 'd/file'), join(folder, 'd/hard'))
    symlinkSync('file', join(folder, 'd/soft'))
    const long = `d/${'n'.repeat(200)}-ü`
    writeFileSync(join(folder, long), '')
    create({ cwd: folder, sync: true, file: join(folder, 'out.tar') }, ['d'])
    const reader = readFileTar(join(folder, 'out.tar'))
    const byPath = new Map(reader.map(({ entry, content }) => [entry.path, { entry, content }]))
    expect([...byPath.keys()].toSorted()).toEqual(
      ['d', 'd/file', 'd/hard', 'd/soft', long].toSorted(),
    )
    const contents = ['d/file', 'd/hard'].map((path) => byPath.get(path)!)
    expect(contents.map(({ entry }) => entry.type).toSorted()).toEqual(['file', 'hardlink'])
    expect(contents.find(({ entry }) => entry.type === 'file')!.content).toBe('content')
    expect(byPath.get('d/soft')!.entry).toMatchObject({ type: 'symlink', target: 'file' })
  })

  it('keeps every byte of an extended attribute, text or not', () => {
    const value = Buffer.from([0, 1, 0x80, 0xff, 0x0a, 0xc3, 0x28, 0x3d])
    const { xattrs } = only(
      tarOf({ name: 'f', pax: { 'SCHILY.xattr.security.capability': value } }),
    )
    expect(Buffer.from(xattrs.get('security.capability')!)).toEqual(value)
  })

  it('reads device numbers in the formats of POSIX and of GNU', () => {
    for (const format of ['ustar', 'gnu'] as const)
      expect(only(tarOf({ name: 'd', flag: '4', major: 8, minor: 17, format }))).toMatchObject({
        type: 'block',
        major: 8,
        minor: 17,
      })
  })

  it('knows every type, with setuid, setgid and sticky bits', () => {
    const types = read(
      tarOf(
        { name: 'f', mode: 0o6755 },
        { name: 'old', flag: '\0' },
        { name: 'olddir/', flag: '\0' },
        { name: 'cont', flag: '7' },
        { name: 'h', flag: '1', link: './f' },
        { name: 's', flag: '2', link: '../x', mode: 0o600 },
        { name: 'c', flag: '3', major: 1, minor: 3 },
        { name: 'p', flag: '6' },
      ),
    ).map(({ entry }) => [entry.type, entry.mode, entry.target])
    expect(types).toEqual([
      ['file', 0o6755, ''],
      ['file', 0o644, ''],
      ['directory', 0o644, ''],
      ['file', 0o644, ''],
      ['hardlink', 0o644, 'f'],
      ['symlink', 0o777, '../x'],
      ['char', 0o644, ''],
      ['fifo', 0o644, ''],
    ])
  })

  it('joins prefix and name, and takes long names from PAX and GNU headers', () => {
    const long = `${'d'.repeat(150)}/${'n'.repeat(200)}`
    const gnu = (flag: string, text: string): Buffer =>
      Buffer.concat([
        headerBlock({ name: '././@LongLink', flag }, text.length + 1),
        padded(Buffer.from(`${text}\0`)),
      ])
    const archive = Buffer.concat([
      memberBytes({ name: 'n', prefix: 'p'.repeat(150) }),
      memberBytes({ name: 'short', pax: { path: long, linkpath: long }, flag: '2', link: 'x' }),
      gnu('K', long),
      gnu('L', long),
      memberBytes({ name: 'short', flag: '1', link: 'x', format: 'gnu' }),
      memberBytes({ name: 'after' }),
      END,
    ])
    const entries = read(archive).map(({ entry }) => [entry.path, entry.target])
    expect(entries).toEqual([
      [`${'p'.repeat(150)}/n`, ''],
      [long, long],
      [long, long],
      ['after', ''],
    ])
  })

  it('takes sizes, owners and times beyond what octal digits hold', () => {
    const block = headerBlock({ name: 'big' }, 0)
    block.fill(0, 108, 116).writeUInt8(0x80, 108)
    block.writeUIntBE(3_000_000_000, 112, 4)
    block.fill(0xff, 136, 148) // -1 second
    expect(only(Buffer.concat([sealed(block), END]))).toMatchObject({
      uid: 3_000_000_000,
      mtime: -1,
    })
    const pax = { uid: '4000000000', gid: '5', mtime: '-1.25' }
    expect(only(tarOf({ name: 'f', pax }))).toMatchObject({
      uid: 4_000_000_000,
      gid: 5,
      mtime: -2,
      mtimeNs: 750_000_000,
    })
  })

  it('reads past global headers, as Docker does', () => {
    const archive = Buffer.concat([
      paxMember({ comment: 'a commit', path: 'evil' }, 'g'),
      tarOf({ name: 'f' }),
    ])
    expect(read(archive).map(({ entry }) => entry.path)).toEqual(['f'])
  })

  it('needs no end mark and looks at nothing behind it', () => {
    expect(read(memberBytes({ name: 'f' }))).toHaveLength(1)
    expect(read(Buffer.alloc(0))).toEqual([])
    expect(
      read(Buffer.concat([tarOf({ name: 'f' }), Buffer.from('garbage'.repeat(200))])),
    ).toHaveLength(1)
  })

  it.each([
    ['../up', 'outside the root'],
    ['a/../../up', 'outside the root'],
    [Buffer.from([0x66, 0xff, 0xfe]), 'not UTF-8 (bytes 66fffe)'],
    [`${'d'.repeat(50)}/..`, 'replace the root'],
  ])('refuses an entry named %s', (name, why) => {
    expect(() => read(tarOf({ name }))).toThrow(
      expect.objectContaining({ code: 'IMAGE_INVALID', message: expect.stringContaining(why) }),
    )
  })

  it('takes absolute names and dots as inside the root', () => {
    const paths = ['/etc/passwd', '/../etc/x', './a/./b//c/', 'x/../y', './'].map(
      (name) => only(tarOf({ name, flag: '5' })).path,
    )
    expect(paths).toEqual(['etc/passwd', 'etc/x', 'a/b/c', 'y', ''])
  })

  it.each<[string, Buffer, string]>([
    [
      'a part of a name over 255 bytes',
      tarOf({ name: 'f', pax: { path: `d/${'ü'.repeat(128)}` } }),
      '255',
    ],
    ['a path over 4096 bytes', tarOf({ name: 'f', pax: { path: 'd/'.repeat(2049) } }), '4096'],
    ['a NUL in a name', tarOf({ name: 'f', pax: { path: 'a\0b' } }), 'NUL'],
    ['a type that Docker does not know', tarOf({ name: 'f', flag: 'V' }), 'type "V"'],
    ["GNU's old sparse files", tarOf({ name: 'f', flag: 'S' }), 'sparse'],
    ["GNU's PAX sparse files", tarOf({ name: 'f', pax: { 'GNU.sparse.major': '1' } }), 'sparse'],
    [
      'a character set other than UTF-8',
      tarOf({ name: 'f', pax: { hdrcharset: 'ISO-IR 8859 1 1998' } }),
      'character set',
    ],
    ['a device number Linux cannot have', tarOf({ name: 'd', flag: '3', major: 4096 }), 'major'],
    ['an owner beyond 32 bits', tarOf({ name: 'f', pax: { uid: '4294967295' } }), 'owner'],
    ['a link without a target', tarOf({ name: 's', flag: '2' }), 'target'],
    [
      'attributes over 64 KiB',
      tarOf({ name: 'f', pax: { 'SCHILY.xattr.user.a': 'x'.repeat(65_536) } }),
      'attributes',
    ],
    [
      'a header extension over 1 MiB',
      Buffer.concat([headerBlock({ name: 'x', flag: 'x' }, 1_048_577), END]),
      'extension',
    ],
    ['a PAX size that is no number', tarOf({ name: 'f', pax: { size: '1e3' } }), 'size'],
    [
      'a malformed PAX record',
      Buffer.concat([headerBlock({ name: 'x', flag: 'x' }, 9), padded(Buffer.from('99 path=a'))]),
      'malformed',
    ],
    ['a wrong checksum', Buffer.concat([Buffer.alloc(512, 'x'), END]), 'checksum'],
    [
      'a header behind a zero block',
      Buffer.concat([Buffer.alloc(512), memberBytes({ name: 'f' })]),
      'zeros',
    ],
    [
      'a file that is cut short',
      memberBytes({ name: 'f', data: 'x'.repeat(600) }).subarray(0, 1000),
      'cut short',
    ],
    ['a header that is cut short', tarOf({ name: 'f' }).subarray(0, 100), 'cut short'],
    [
      'letters where digits must be',
      Buffer.concat([sealed(Buffer.from(headerBlock({ name: 'f' }, 0)).fill('z', 100, 106)), END]),
      'mode',
    ],
  ])('refuses %s', (_what, archive, why) => {
    expect(() => read(archive)).toThrow(
      expect.objectContaining({ code: 'IMAGE_INVALID', message: expect.stringContaining(why) }),
    )
  })

  it('says which entry it refuses, escaped', () => {
    expect(() => read(tarOf({ name: 'ev\u001bil', flag: 'V' }))).toThrow('entry "ev\\u001bil"')
  })

  it('does not take an empty PAX value for one', () => {
    expect(only(tarOf({ name: 'kept', pax: { path: '', linkpath: '' } })).path).toBe('kept')
  })

  it("reads libarchive's attributes, but prefers the plain ones", () => {
    const pax = {
      'LIBARCHIVE.xattr.user.a%20b': Buffer.from([1, 0xff]).toString('base64'),
      'LIBARCHIVE.xattr.user.c': 'eA',
      'SCHILY.xattr.user.c': 'plain',
    }
    const { xattrs } = only(tarOf({ name: 'f', pax }))
    expect(Buffer.from(xattrs.get('user.a b')!)).toEqual(Buffer.from([1, 0xff]))
    expect(Buffer.from(xattrs.get('user.c')!).toString()).toBe('plain')
  })
})

function readFileTar(path: string): Read[] {
  return read(readFileSync(path), 1000)
}
