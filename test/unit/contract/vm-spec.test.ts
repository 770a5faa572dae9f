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
