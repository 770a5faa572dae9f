// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { parseChallenges } from '../../../../src/main/image/registry-auth'

const read = (header: string): [string, Record<string, string>][] =>
  parseChallenges(header).map(({ scheme, params }) => [scheme, Object.fromEntries(params)])

describe('a WWW-Authenticate header', () => {
  it.each<[string, [string, Record<string, string>][]]>([
    [
      'Bearer realm="https://a/t",service="s"',
      [['bearer', { realm: 'https://a/t', service: 's' }]],
    ],
    ['bearer Realm = "a, \\"b\\"" , scope=x', [['bearer', { realm: 'a, "b"', scope: 'x' }]]],
    [
      'Basic realm="x", Bearer realm="y"',
      [
        ['basic', { realm: 'x' }],
        ['bearer', { realm: 'y' }],
      ],
    ],
    [
      'Negotiate, Bearer scope="a:b:pull,push"',
      [
        ['negotiate', {}],
        ['bearer', { scope: 'a:b:pull,push' }],
      ],
    ],
    ['Bearer', [['bearer', {}]]],
    ['', []],
    ['"', []],
    ['Bearer realm="open', [['bearer', {}]]],
  ])('%j is read', (header, expected) => {
    expect(read(header)).toEqual(expected)
  })
})
