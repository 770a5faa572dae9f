// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { hashFiles } from '../../../../scripts/setup/stamps.mjs'

let dir = ''
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'stamps-'))
  mkdirSync(join(dir, 'src'))
  writeFileSync(join(dir, 'src', 'a.ts'), 'one')
  writeFileSync(join(dir, 'src', 'b.c'), 'two')
})
afterEach(() => rmSync(dir, { recursive: true }))

describe('the hash over files', () => {
  it('changes with content', () => {
    const before = hashFiles(dir, ['src'])
    writeFileSync(join(dir, 'src', 'a.ts'), 'oNe')
    expect(hashFiles(dir, ['src'])).not.toBe(before)
  })

  it('changes with a name, an added and a removed file', () => {
    const hashes = [hashFiles(dir, ['src'])]
    renameSync(join(dir, 'src', 'a.ts'), join(dir, 'src', 'c.ts'))
    hashes.push(hashFiles(dir, ['src']))
    writeFileSync(join(dir, 'src', 'empty.ts'), '')
    hashes.push(hashFiles(dir, ['src']))
    rmSync(join(dir, 'src', 'b.c'))
    hashes.push(hashFiles(dir, ['src']))
    expect(new Set(hashes).size).toBe(4)
  })

  it('does not change with times, the order of paths, or files it is told to leave out', () => {
    const before = hashFiles(dir, ['src/a.ts', 'src/b.c'])
    utimesSync(join(dir, 'src', 'a.ts'), 1, 1)
    expect(hashFiles(dir, ['src/b.c', 'src/a.ts'])).toBe(before)
    const withoutC = (path: string): boolean => !path.endsWith('.c')
    const filtered = hashFiles(dir, ['src'], withoutC)
    writeFileSync(join(dir, 'src', 'b.c'), 'changed')
    expect(hashFiles(dir, ['src'], withoutC)).toBe(filtered)
  })

  it('tells where one file’s content ends and the next begins', () => {
    const before = hashFiles(dir, ['src'])
    writeFileSync(join(dir, 'src', 'a.ts'), 'onetwo')
    writeFileSync(join(dir, 'src', 'b.c'), '')
    expect(hashFiles(dir, ['src'])).not.toBe(before)
  })

  it('takes a missing path as nothing', () => {
    expect(hashFiles(dir, ['nowhere'])).toBe(hashFiles(dir, []))
  })
})
