// SPDX-License-Identifier: Apache-2.0
import { Parser, type ReadEntry } from 'tar'
import { describe, expect, it } from 'vitest'
import { directory, file, symlink, tarOf } from '../../../../scripts/guest/tar-file.mjs'

const entries = [
  symlink('b/link', '../a'),
  directory('b', 0o1777),
  file('b/run', 'content', 0o4755),
  file('a', ''),
]

function read(bytes: Buffer): { path: string; type: string; mode: number; size: number }[] {
  const found: ReturnType<typeof read> = []
  const parser = new Parser({
    strict: true,
    onReadEntry: (entry: ReadEntry) => {
      const { path, type, mode = 0, size, uid, gid, mtime } = entry
      expect({ uid, gid, mtime: mtime?.getTime() }).toEqual({ uid: 0, gid: 0, mtime: 0 })
      found.push({ path, type, mode, size })
      entry.resume()
    },
  })
  parser.end(bytes)
  return found
}

describe('the archive of a bundle or an image', () => {
  it('has every entry with its kind, mode and size, owned by root, of no time', () => {
    expect(read(tarOf(entries))).toEqual([
      { path: 'a', type: 'File', mode: 0o644, size: 0 },
      { path: 'b/', type: 'Directory', mode: 0o1777, size: 0 },
      { path: 'b/link', type: 'SymbolicLink', mode: 0o777, size: 0 },
      { path: 'b/run', type: 'File', mode: 0o4755, size: 7 },
    ])
  })

  it('is the same whatever order the entries come in', () => {
    expect(tarOf(entries.toReversed()).equals(tarOf(entries))).toBe(true)
  })

  it('refuses a path that is there twice, and a name that needs more than a plain header', () => {
    expect(() => tarOf([file('a', ''), file('a', '')])).toThrow('a is there twice')
    expect(() => tarOf([file('n'.repeat(300), '')])).toThrow('too long')
  })
})
