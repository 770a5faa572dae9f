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
  it('changes with content', async () => {
    const before = await hashFiles(dir, ['src'])
    writeFileSync(join(dir, 'src', 'a.ts'), 'oNe')
    expect(await hashFiles(dir, ['src'])).not.toBe(before)
  })

  it('changes with a name, an added and a removed file', async () => {
    const hashes = [await hashFiles(dir, ['src'])]
    renameSync(join(dir, 'src', 'a.ts'), join(dir, 'src', 'c.ts'))
    hashes.push(await hashFiles(dir, ['src']))
    writeFileSync(join(dir, 'src', 'empty.ts'), '')
    hashes.push(await hashFiles(dir, ['src']))
    rmSync(join(dir, 'src', 'b.c'))
    hashes.push(await hashFiles(dir, ['src']))
    expect(new Set(hashes).size).toBe(4)
  })

  it('does not change with times, the order of paths, or files it is told to leave out', async () => {
    const before = await hashFiles(dir, ['src/a.ts', 'src/b.c'])
    utimesSync(join(dir, 'src', 'a.ts'), 1, 1)
    expect(await hashFiles(dir, ['src/b.c', 'src/a.ts'])).toBe(before)
    const withoutC = (path: string): boolean => !path.endsWith('.c')
    const filtered = await hashFiles(dir, ['src'], withoutC)
    writeFileSync(join(dir, 'src', 'b.c'), 'changed')
    expect(await hashFiles(dir, ['src'], withoutC)).toBe(filtered)
  })

  it('tells where one file’s content ends and the next begins', async () => {
    const before = await hashFiles(dir, ['src'])
    writeFileSync(join(dir, 'src', 'a.ts'), 'onetwo')
    writeFileSync(join(dir, 'src', 'b.c'), '')
    expect(await hashFiles(dir, ['src'])).not.toBe(before)
  })

  it('takes a missing path as nothing', async () => {
    expect(await hashFiles(dir, ['nowhere'])).toBe(await hashFiles(dir, []))
  })
})
