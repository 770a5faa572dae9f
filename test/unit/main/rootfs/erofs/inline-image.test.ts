// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { buildErofs, type InlineEntry } from '../../../../../src/main/rootfs/erofs/inline-image'

const file = (path: string, text = path): InlineEntry => ({
  path,
  type: 'file',
  mode: 0o644,
  content: Buffer.from(text),
})

describe('a small self-contained image', () => {
  it('is the same for the same entries in any order', () => {
    const entries = [file('b'), file('a/c'), file('a/b'), file('a-b')]
    expect(buildErofs(entries.toReversed())).toEqual(buildErofs(entries))
  })

  it('has another UUID when a name or a size differs', () => {
    const uuid = (entries: InlineEntry[]): string =>
      Buffer.from(buildErofs(entries).subarray(1024 + 48, 1024 + 64)).toString('hex')
    const uuids = [[file('a', '1')], [file('b', '1')], [file('a', '12')]].map(uuid)
    expect(new Set(uuids).size).toBe(3)
  })

  it('is whole blocks, as a disk must be', () => {
    expect(buildErofs([]).length % 4096).toBe(0)
    expect(buildErofs([file('a', 'x'.repeat(5000))]).length % 4096).toBe(0)
  })

  it('may say what its root is like', () => {
    const [plain, closed] = [0o755, 0o700].map((mode) =>
      buildErofs([{ path: '', type: 'directory', mode }, file('a')]),
    )
    expect(closed).not.toEqual(plain)
    expect(buildErofs([file('a')])).toEqual(plain)
  })

  it.each([
    ['twice', [file('a'), file('a')]],
    ['slash', [file('/a')]],
    ['empty', [file('a/')]],
    ['empty', [file('a//b')]],
    ['reserved', [file('../a')]],
    ['reserved', [file('a/./b')]],
    ['no directory', [file('a'), file('a/b')]],
    ['root', [file('')]],
  ])('refuses bad paths: %s', (problem, entries) => {
    expect(() => buildErofs(entries)).toThrow(
      expect.objectContaining({
        code: 'INVALID_ARGUMENT',
        message: expect.stringContaining(problem) as string,
      }),
    )
  })

  it('refuses a symlink to nowhere', () => {
    expect(() => buildErofs([{ path: 'a', type: 'symlink', mode: 0o777 }])).toThrow(/symlink/)
  })
})
