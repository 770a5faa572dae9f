// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { MicrovmError } from '../../../../src/contract/errors'
import { createOutput } from '../../../../src/main/cli/output'

function collect({ isTTY = false, json = false, quiet = false } = {}) {
  const texts = { out: '', err: '' }
  const output = createOutput({
    stdout: { write: (text) => (texts.out += text), isTTY },
    stderr: { write: (text) => (texts.err += text), isTTY, columns: 30 },
    json,
    quiet,
  })
  return { texts, output }
}
const pulling = (fraction: number) => ({ stage: 'image', message: 'Pulling debian', fraction })

describe('output', () => {
  it('prints one line per step to a file, however often it is told', () => {
    const { texts, output } = collect()
    for (const part of [0, 0.5, 1]) output.progress(pulling(part))
    output.progress({ stage: 'disk', message: 'Building the disk' })
    expect(texts).toEqual({ out: '', err: 'Pulling debian\nBuilding the disk\n' })
  })

  it('keeps one line up to date on a terminal, no wider than it, and takes it away', () => {
    const { texts, output } = collect({ isTTY: true })
    output.progress(pulling(0.5))
    output.progress({ stage: 'x', message: 'a'.repeat(100), fraction: 0.25 })
    output.result({}, 'done')
    const lines = texts.err.split('\r\u001B[2K')
    expect(lines).toEqual(['', 'Pulling debian 50 %', `${'a'.repeat(23)}… 25 %`, ''])
    expect(lines[2]!.length).toBeLessThanOrEqual(30)
    expect(texts.out).toBe('done\n')
  })

  it('says nothing but results and errors when quiet', () => {
    const { texts, output } = collect({ quiet: true })
    output.progress(pulling(0.5))
    output.note('a hint')
    output.result({}, 'done')
    output.error(new MicrovmError('NOT_FOUND', 'no such machine'))
    expect(texts).toEqual({ out: 'done\n', err: 'microvm: no such machine\n' })
  })

  it('prints one JSON document, and an error as one', () => {
    const { texts, output } = collect({ json: true })
    output.note('a hint')
    output.result([{ id: 'a' }], 'a')
    output.error(new MicrovmError('NOT_FOUND', 'no such machine', { hint: 'Make one.' }))
    expect(JSON.parse(texts.out)).toEqual([{ id: 'a' }])
    const error = { code: 'NOT_FOUND', message: 'no such machine', hint: 'Make one.' }
    expect(JSON.parse(texts.err)).toEqual(error)
  })
})
