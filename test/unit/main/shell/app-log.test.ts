// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openAppLog } from '../../../../src/main/shell/app-log'

describe('the app log', () => {
  let dir: string
  let file: string
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'log-'))
    file = join(dir, 'app.log')
  })
  afterEach(() => rmSync(dir, { recursive: true }))

  it('appends to what an earlier run wrote, readable by its owner only', () => {
    openAppLog(file)('one\n')
    openAppLog(file)('two\n')
    expect(readFileSync(file, 'utf8')).toBe('one\ntwo\n')
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  it('keeps at most two files of the limit and loses no recent line', () => {
    const log = openAppLog(file, 1000)
    for (let line = 0; line < 500; line += 1) log(`line ${line}\n`)
    expect(statSync(file).size).toBeLessThanOrEqual(1000)
    expect(statSync(`${file}.old`).size).toBeLessThanOrEqual(1000)
    const kept = (readFileSync(`${file}.old`, 'utf8') + readFileSync(file, 'utf8')).split('\n')
    expect(kept.at(-2)).toBe('line 499')
    const first = Number(kept[0]!.slice(5))
    expect(kept.slice(0, -1)).toEqual(
      Array.from({ length: 500 - first }, (_, at) => `line ${first + at}`),
    )
  })

  it('does not throw when it cannot be written', () => {
    expect(() => openAppLog(join(dir, 'missing', 'app.log'))('line\n')).not.toThrow()
  })
})
