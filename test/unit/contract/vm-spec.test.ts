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
