// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { lockfilesMatch } from '../../../../scripts/setup/node-modules.mjs'

const a = { version: '1.0.0', integrity: 'sha512-a' }
const b = { version: '2.0.0', integrity: 'sha512-b' }
const matches = (wanted: object, installed: object): boolean =>
  lockfilesMatch({ packages: { '': {}, ...wanted } }, { packages: { ...installed } })

describe('node_modules', () => {
  it('match when all that is wanted is there', () => {
    expect(matches({ a, b }, { a, b })).toBe(true)
  })

  it('may lack what is optional', () => {
    expect(matches({ a, b: { ...b, optional: true } }, { a })).toBe(true)
  })

  it.each([
    ['a package is missing', { a, b }, { a }],
    ['a package is another version', { a }, { a: { ...a, version: '1.0.1' } }],
    ['a package has other contents', { a }, { a: { ...a, integrity: 'sha512-x' } }],
    ['an optional package is another version', { a: { ...b, optional: true } }, { a }],
    ['there is one too many', { a }, { a, b }],
  ])('do not match when %s', (_, wanted, installed) => {
    expect(matches(wanted, installed)).toBe(false)
  })
})
