// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import {
  nameProblem,
  planDirectory,
  sortedNames,
} from '../../../../../src/main/rootfs/erofs/directory'

describe('the names of a directory', () => {
  it('are in the order of their bytes, dots among them', () => {
    const names = ['a', 'Z', '.profile', '!first', '-dash', 'a.b', 'ab']
    expect(sortedNames(names)).toEqual([
      '!first',
      '-dash',
      '.',
      '..',
      '.profile',
      'Z',
      'a',
      'a.b',
      'ab',
    ])
  })

  it('sort by UTF-8, not by UTF-16', () => {
    const names = ['\u{1f600}', '\uff21', 'é']
    expect(sortedNames(names)).toEqual(['.', '..', 'é', '\uff21', '\u{1f600}'])
  })

  it.each([
    ['', 'is empty'],
    ['.', 'is reserved'],
    ['..', 'is reserved'],
    ['a/b', 'holds a slash or a NUL'],
    ['a\0', 'holds a slash or a NUL'],
    ['x'.repeat(256), 'is longer than 255 bytes'],
    ['語'.repeat(86), 'is longer than 255 bytes'],
    ['half \ud83d', 'is not Unicode'],
  ])('are refused: %j', (name, problem) => {
    expect(nameProblem(name)).toBe(problem)
  })

  it.each(['x'.repeat(255), '語'.repeat(85), ' ', '...', '\u{1f600}'])('are taken: %j', (name) => {
    expect(nameProblem(name)).toBeUndefined()
  })
})

describe('the blocks of a directory', () => {
  const plan = (names: string[]) =>
    planDirectory(
      names,
      names.map(() => 0),
    )

  it('hold 4096 bytes of entries and names', () => {
    // 32 entries of 12 + 116 bytes
    const names = Array.from({ length: 32 }, (_, i) => String(i).padStart(116, '0'))
    expect(plan(names)).toMatchObject({ bounds: [0, 32], size: 4096 })
    expect(plan([...names, 'x'])).toMatchObject({ bounds: [0, 32, 33], size: 4096 + 13 })
  })

  it('begin a new one rather than cut an entry', () => {
    const names = Array.from({ length: 32 }, (_, i) => String(i).padStart(117, '0'))
    expect(plan(names)).toMatchObject({ bounds: [0, 31, 32], size: 4096 + 129 })
  })
})
