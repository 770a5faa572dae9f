// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeAtomically } from '../../../../scripts/setup/atomic.mjs'

let dir = ''
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'atomic-'))
})
afterEach(() => rmSync(dir, { recursive: true }))

/** A folder with one file in it. */
const folderWith = (content: string) => (partial: string) => {
  mkdirSync(partial)
  writeFileSync(join(partial, 'file'), content)
  return Promise.resolve()
}

describe('making something atomically', () => {
  it('replaces a folder as a whole and leaves nothing else', async () => {
    const target = join(dir, 'part')
    mkdirSync(target)
    writeFileSync(join(target, 'older'), '')
    await makeAtomically(target, folderWith('new'))
    expect(readdirSync(target)).toEqual(['file'])
    expect(readFileSync(join(target, 'file'), 'utf8')).toBe('new')
    expect(readdirSync(dir)).toEqual(['part'])
  })

  it('keeps what was there when it fails', async () => {
    const target = join(dir, 'part')
    await makeAtomically(target, folderWith('first'))
    const failing = makeAtomically(target, async (partial) => {
      await folderWith('second')(partial)
      throw new Error('broke off')
    })
    await expect(failing).rejects.toThrow('broke off')
    expect(readFileSync(join(target, 'file'), 'utf8')).toBe('first')
    expect(readdirSync(dir)).toEqual(['part'])
  })

  it('removes what an earlier run left when it was killed', async () => {
    mkdirSync(join(dir, 'part.partial-x1y2z3'))
    writeFileSync(join(dir, 'part.partial-x1y2z3', 'half'), '')
    await makeAtomically(join(dir, 'part'), folderWith('whole'))
    expect(readdirSync(dir)).toEqual(['part'])
  })
})
