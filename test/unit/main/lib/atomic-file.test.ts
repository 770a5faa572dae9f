// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, readdir, readFile, rm, stat, writeFile, mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { writeFileAtomic } from '../../../../src/main/lib/atomic-file'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'atomic-file-'))
})
afterEach(() => rm(dir, { recursive: true }))

describe('an atomic write', () => {
  it('replaces the content and leaves no temp file', async () => {
    const path = join(dir, 'state.json')
    await writeFile(path, 'old')
    await writeFileAtomic(path, 'new')
    expect(await readFile(path, 'utf8')).toBe('new')
    expect(await readdir(dir)).toEqual(['state.json'])
  })

  it('makes the file private unless told otherwise', async () => {
    await writeFileAtomic(join(dir, 'secret'), 'x')
    await writeFileAtomic(join(dir, 'public'), 'x', { mode: 0o644 })
    expect((await stat(join(dir, 'secret'))).mode & 0o777).toBe(0o600)
    expect((await stat(join(dir, 'public'))).mode & 0o777).toBe(0o644)
  })

  it('keeps the old state and removes its temp file when the rename is impossible', async () => {
    const path = join(dir, 'taken')
    await mkdir(join(path, 'by-a-folder'), { recursive: true })
    await expect(writeFileAtomic(path, 'new')).rejects.toThrow()
    expect(await readdir(dir)).toEqual(['taken'])
  })

  it('lets one of many writers win whole', async () => {
    const path = join(dir, 'contended')
    const contents = Array.from({ length: 10 }, (_, i) => String(i).repeat(10_000))
    await Promise.all(contents.map((content) => writeFileAtomic(path, content)))
    expect(contents).toContain(await readFile(path, 'utf8'))
    expect(await readdir(dir)).toEqual(['contended'])
  })
})
