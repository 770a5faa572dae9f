// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { splitWords } from '../../../../../../src/renderer/features/vms/new-machine/words'

describe('splitWords', () => {
  it.each([
    ['', []],
    ['  ', []],
    ['nginx -g "daemon off;"', ['nginx', '-g', 'daemon off;']],
    [`sh -c 'echo "$HOME" \\n'`, ['sh', '-c', 'echo "$HOME" \\n']],
    ['a\\ b  c', ['a b', 'c']],
    ['"a \\"b\\" \\\\ \\n"', ['a "b" \\ \\n']],
    [`''`, ['']],
    [`a''b"c"`, ['abc']],
    ['end\\', ['end\\']],
  ])('reads %s', (line, words) => {
    expect(splitWords(line)).toEqual(words)
  })

  it('refuses a quote that is not closed', () => {
    expect(splitWords(`sh -c 'echo`)).toBeUndefined()
    expect(splitWords('"a\\"')).toBeUndefined()
  })
})
