// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { chooseUpdateFeed } from '../../../../src/main/shell/update-feed'

const choose = (address: string | undefined, more = {}) =>
  chooseUpdateFeed({
    packaged: true,
    named: false,
    env: address === undefined ? {} : { MICROVM_UPDATE_FEED: address },
    ...more,
  })

describe('the feed for updates', () => {
  it('is none unless one is named', () => {
    expect(choose(undefined)).toEqual({ kind: 'off', why: expect.stringMatching(/no feed/) })
    expect(choose(undefined, { named: true })).toEqual({ kind: 'package' })
  })

  it('is none outside of a package, whatever is named', () => {
    const found = choose('https://x.example/', { packaged: false, named: true })
    expect(found).toEqual({ kind: 'off', why: expect.stringMatching(/development/) })
  })

  it('is the environment’s before the package’s', () => {
    expect(choose('https://x.example/d', { named: true })).toEqual({
      kind: 'environment',
      url: 'https://x.example/d',
    })
  })

  it('is reached by TLS, or on this very computer', () => {
    for (const address of ['http://127.0.0.1:8/', 'http://[::1]/'])
      expect(choose(address)).toEqual({ kind: 'environment', url: address })
    for (const address of ['http://x.example/', 'http://127.x.example/', 'file:///etc', 'nonsense'])
      expect(choose(address, { named: true })).toEqual({
        kind: 'off',
        why: expect.stringMatching(/https/),
      })
  })
})
