// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { vmSpecSchema } from '../../../src/contract/vm-spec'

const parse = (spec: object) => vmSpecSchema.safeParse({ name: 'a', image: 'starter', ...spec })

describe('what a user may ask for', () => {
  it('has the documented defaults', () => {
    expect(parse({}).data).toEqual({
      name: 'a',
      image: 'starter',
      cpus: 1,
      memoryMib: 512,
      diskMib: 10_240,
      ports: [],
      mounts: [],
      disks: [],
      env: {},
      autoRemove: false,
    })
  })

  it.each(['a', 'web-1', '0', 'a'.repeat(63)])('accepts the name %s', (name) => {
    expect(parse({ name }).success).toBe(true)
  })

  it.each(['', '-a', 'a-', 'A', 'a_b', 'a.b', 'a'.repeat(64), 'a\n', '../a'])(
    'refuses the name %j',
    (name) => {
      expect(parse({ name }).success).toBe(false)
    },
  )

  it.each([
    { cpus: 0 },
    { cpus: 17 },
    { cpus: 1.5 },
    { memoryMib: 63 },
    { diskMib: 1 },
    { ports: [{ host: 8080, guest: 0 }] },
    { ports: [{ host: 65_536, guest: 80 }] },
    { env: { '1A': 'x' } },
    { env: { A: 'with\0nul' } },
    { env: { A: 'x'.repeat(1024 * 1024) } },
    { command: ['a\0b'] },
    { workdir: 'relative' },
  ])('refuses %o', (spec) => {
    expect(parse(spec).success).toBe(false)
  })
})

describe('a folder of the host', () => {
  const mounts = (...list: object[]) => parse({ mounts: list })
  const at = (...guestPaths: string[]) =>
    mounts(...guestPaths.map((guestPath) => ({ hostPath: '/srv', guestPath })))

  it('can be written unless it is said to be read-only', () => {
    const { data } = mounts(
      { hostPath: '/home/me/my work', guestPath: '/work' },
      { hostPath: '/srv', guestPath: '/mnt/ünï', readOnly: true, owner: { uid: 1000, gid: 100 } },
    )
    expect(data?.mounts).toEqual([
      { hostPath: '/home/me/my work', guestPath: '/work', readOnly: false },
      { hostPath: '/srv', guestPath: '/mnt/ünï', readOnly: true, owner: { uid: 1000, gid: 100 } },
    ])
  })

  it.each(['/work', '/home/me', '/etc/app', '/run/data', '/tmp', '/...', '/a..b', '/.m', '/devel'])(
    'may be at %s',
    (path) => expect(at(path).success).toBe(true),
  )

  it.each([
    ...['/', '/etc', '/run', '/.microvm', '/.microvm/bin', '/proc', '/proc/1', '/sys', '/dev/shm'],
    ...['', 'work', './a', '//', '//a', '/a/', '/a//b', '/.', '/..', '/a/../b', '/a/./b', '/a/..'],
    ...['/a\0b', `/${'a'.repeat(4096)}`],
  ])('may not be at %j', (path) => expect(at(path).success).toBe(false))

  it.each(['relative', '~/x', '', '/a\0b'])('is not %j', (hostPath) => {
    expect(mounts({ hostPath, guestPath: '/a' }).success).toBe(false)
  })

  it.each([[['/a', '/a']], [['/a', '/b', '/a/b']], [['/a/b/c', '/a']]])(
    'may not hide another: %j',
    (paths) => {
      expect(at(...paths).error?.issues).toMatchObject([
        { path: ['mounts', paths.length - 1, 'guestPath'] },
      ])
    },
  )

  it('may have a name that begins like another’s', () => {
    expect(at('/a', '/ab', '/b/a').success).toBe(true)
  })

  it('is one of eight at most', () => {
    const paths = Array.from({ length: 9 }, (_, index) => `/m${index}`)
    expect(at(...paths.slice(1)).success).toBe(true)
    expect(at(...paths).success).toBe(false)
  })
})

describe('an extra disk', () => {
  const disks = (...list: object[]) => parse({ disks: list })
  const sha256 = 'ab'.repeat(32)

  it('is only read and not mounted, unless it is said otherwise', () => {
    const url = { source: 'https://example.org/a.img.xz', sha256, guestPath: '/data' }
    const { data } = disks({ source: '/srv/my disk.img', readOnly: false }, url)
    expect(data?.disks).toEqual([
      { source: '/srv/my disk.img', readOnly: false },
      { ...url, readOnly: true },
    ])
  })

  it.each([
    ...['https://example.org/x', 'HTTPS://example.org:8443/x?y=z', 'http://127.0.0.1:5000/x'],
    ...['http://localhost/x', 'http://[::1]/x', '/x', '/http://x'],
  ])('may come from %s', (source) => expect(disks({ source }).success).toBe(true))

  it.each([
    ...['', 'x.img', './x.img', '~/x.img', 'ftp://example.org/x', 'file:///x', 'https://'],
    ...['http://example.org/x', 'http://127.evil.example/x', 'https://me:secret@example.org/x'],
    ...['/a\0b', `/${'a'.repeat(4096)}`],
  ])('may not come from %j', (source) => expect(disks({ source }).success).toBe(false))

  it('has a checksum of the right form, and only if it is downloaded', () => {
    const source = 'https://example.org/x'
    for (const wrong of ['', 'ab', sha256.toUpperCase(), `${sha256}0`])
      expect(disks({ source, sha256: wrong }).success).toBe(false)
    expect(disks({ source: '/x', sha256 }).error?.issues[0]?.path).toEqual(['disks', 0, 'sha256'])
  })

  it('may not be mounted over the system, over a folder, or over another disk', () => {
    const at = (guestPath: string) => ({ source: '/x', guestPath })
    expect(disks(at('/etc')).success).toBe(false)
    expect(disks(at('/a'), at('/b')).success).toBe(true)
    for (const paths of [
      ['/a', '/a'],
      ['/a', '/a/b'],
      ['/a/b', '/a'],
    ])
      expect(disks(...paths.map(at)).error?.issues).toMatchObject([
        { path: ['disks', 1, 'guestPath'] },
      ])
    const mounts = [{ hostPath: '/srv', guestPath: '/a' }]
    expect(parse({ mounts, disks: [at('/a/b')] }).error?.issues).toMatchObject([
      { path: ['disks', 0, 'guestPath'], message: '/a/b and /a lie in one another' },
    ])
  })

  it('may be there twice if nobody writes it, or if each is a copy', () => {
    const both = (source: string, ...readOnly: boolean[]) =>
      disks(...readOnly.map((value) => ({ source, readOnly: value }))).success
    expect(both('/x', true, true)).toBe(true)
    expect(both('/x', true, false)).toBe(false)
    expect(both('/x', false, false)).toBe(false)
    expect(both('https://example.org/x', false, false)).toBe(true)
  })

  it('is one of eight at most', () => {
    expect(disks(...Array.from({ length: 8 }, () => ({ source: '/x' }))).success).toBe(true)
    expect(disks(...Array.from({ length: 9 }, () => ({ source: '/x' }))).success).toBe(false)
  })
})
