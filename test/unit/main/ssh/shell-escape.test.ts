// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { shellEscape } from '../../../../src/main/ssh/shell-escape'

describe('shellEscape', () => {
  it('lets a shell see exactly the words given', () => {
    const words = [
      'plain',
      '',
      'two words',
      "it's",
      '$HOME `id` \\',
      '"',
      '*',
      '-n',
      'ü\n\t',
      '~',
      '#',
    ]
    const script = `for word in ${shellEscape(words)}; do printf '%s\\0' "$word"; done`
    const seen = execFileSync('/bin/sh', ['-c', script], { encoding: 'utf8' })
    expect(seen.split('\0').slice(0, -1)).toEqual(words)
  })

  it('refuses a NUL byte', () => {
    expect(() => shellEscape(['a\0b'])).toThrow('NUL')
  })
})
