// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { chooseMirror } from '../../../../scripts/parts/debian-packages.mjs'

describe('the Debian mirror', () => {
  it('is the first package source that is a release, not its updates or security fixes', () => {
    const targets = [
      'bookworm-security http://security.example/',
      'bookworm-updates http://updates.example/',
      'bookworm http://mirror.example/debian/',
      'trixie http://other.example/debian/',
    ]
    expect(chooseMirror(targets.join('\n'))).toBe('http://mirror.example/debian/')
  })

  it('is none where apt has no source', () => {
    expect(chooseMirror('\n')).toBeUndefined()
  })
})
