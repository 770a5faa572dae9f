// SPDX-License-Identifier: Apache-2.0
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  contentOf,
  readText,
  saveContent,
} from '../../../../../src/main/image/browse/browse-content'
import { readHistory } from '../../../../../src/main/image/browse/browse-history'
import { dir, file, layer, link } from '../support/make-tree'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'browse-content-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const never = new AbortController().signal

/** A file's content that starts at 4096 in a data file. */
function contentWith(bytes: Buffer) {
  const dataPath = join(folder, 'layer.data')
  writeFileSync(dataPath, Buffer.concat([Buffer.alloc(4096, 'x'), bytes, Buffer.alloc(100, 'y')]))
  return { path: 'f', dataPath, offset: 4096, size: bytes.length }
}

describe('the content of a path', () => {
  it('is where the layer has it, links followed inside the image', async () => {
    const history = await readHistory([
      layer(1, [file('a', 'one'), file('b', 'two'), link('l', '/../../b'), dir('d/')]),
    ])
    const found = { path: 'b', dataPath: '/layers/1.data', offset: 4096, size: 3 }
    expect(contentOf(history, {}, 'b')).toEqual(found)
    expect(contentOf(history, {}, 'l')).toEqual(found)
    expect(() => contentOf(history, {}, 'd')).toThrow(/is no file: it is a directory/)
  })
})

describe('text', () => {
  it('is read up to a limit, which may cut a character', async () => {
    const content = contentWith(Buffer.from('aä漢'))
    expect(await readText(content, 100)).toEqual({
      ...{ path: 'f', size: 6, text: 'aä漢', complete: true },
    })
    expect(await readText(content, 4)).toMatchObject({ text: 'aä', complete: false })
  })

  it('is not what has a NUL or is no UTF-8', async () => {
    for (const bytes of [Buffer.from('a\0b'), Buffer.from([0x61, 0xff, 0x62])])
      expect(await readText(contentWith(bytes), 100)).not.toHaveProperty('text')
  })

  it('of a layer that is gone or cut off is an error', async () => {
    const content = contentWith(Buffer.from('abc'))
    const gone = { ...content, dataPath: join(folder, 'none') }
    await expect(readText(gone, 9)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    const cut = { ...content, size: 9999 }
    await expect(readText(cut, 9999)).rejects.toMatchObject({ code: 'STATE_CORRUPT' })
  })
})

describe('saving a file', () => {
  it('copies its bytes, mode 0644, and leaves nothing else', async () => {
    const bytes = Buffer.alloc(3 * 1024 * 1024 + 7, 'abc')
    const content = contentWith(bytes)
    const out = join(folder, 'out')
    mkdirSync(out)
    const told: number[] = []
    await saveContent(content, join(out, 'saved'), {
      signal: never,
      onBytes: (count) => told.push(count),
    })
    expect(readFileSync(join(out, 'saved')).equals(bytes)).toBe(true)
    // Whether others may read it is the user's choice (umask).
    expect(statSync(join(out, 'saved')).mode & 0o7733).toBe(0o600)
    expect(readdirSync(out)).toEqual(['saved'])
    expect(told.at(-1)).toBe(bytes.length)
  })

  it('replaces the file that was there when it began', async () => {
    const target = join(folder, 'target')
    writeFileSync(target, 'old', { mode: 0o777 })
    await saveContent(contentWith(Buffer.from('new')), target, { signal: never })
    expect(readFileSync(target, 'utf8')).toBe('new')
  })

  it('does not replace one that came meanwhile', async () => {
    const target = join(folder, 'target')
    const saving = saveContent(contentWith(Buffer.alloc(2_000_000, 'n')), target, {
      signal: never,
      onBytes: () => writeFileSync(target, 'theirs'),
    })
    await expect(saving).rejects.toMatchObject({ code: 'ALREADY_EXISTS' })
    expect(readFileSync(target, 'utf8')).toBe('theirs')
    expect(readdirSync(folder).toSorted()).toEqual(['layer.data', 'target'])
  })

  it('does not write through a link or over a folder', async () => {
    const victim = join(folder, 'victim')
    writeFileSync(victim, 'safe')
    symlinkSync(victim, join(folder, 'link'))
    mkdirSync(join(folder, 'dir'))
    for (const name of ['link', 'dir'])
      await expect(
        saveContent(contentWith(Buffer.from('new')), join(folder, name), { signal: never }),
      ).rejects.toMatchObject({ code: 'ALREADY_EXISTS' })
    expect(readFileSync(victim, 'utf8')).toBe('safe')
  })

  it('leaves nothing behind when it is cancelled', async () => {
    const cancelling = new AbortController()
    const saving = saveContent(contentWith(Buffer.alloc(4_000_000)), join(folder, 'target'), {
      signal: cancelling.signal,
      onBytes: () => cancelling.abort(),
    })
    await expect(saving).rejects.toMatchObject({ code: 'CANCELLED' })
    expect(readdirSync(folder)).toEqual(['layer.data'])
  })
})
