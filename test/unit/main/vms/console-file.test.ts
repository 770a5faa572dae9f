// SPDX-License-Identifier: Apache-2.0
import { appendFile, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { followConsoleFile, readConsoleTail } from '../../../../src/main/vms/console-file'

let dir: string
let path: string

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'microvm-console-'))
  path = join(dir, 'console.log')
})
afterEach(() => rm(dir, { recursive: true }))

describe('the tail of a console log', () => {
  it('is its end, from a whole character on', async () => {
    await writeFile(path, 'abc€def')
    expect(await readConsoleTail(path, 100)).toBe('abc€def')
    expect(await readConsoleTail(path, 3)).toBe('def')
    expect(await readConsoleTail(path, 5)).toBe('def')
    expect(await readConsoleTail(path, 6)).toBe('€def')
  })

  it('is empty before the first start', async () => {
    expect(await readConsoleTail(path, 100)).toBe('')
  })
})

describe('following a console log', () => {
  const follow = (): { read: () => string; stop: () => void } => {
    let seen = ''
    const stop = followConsoleFile(path, (text) => (seen += text))
    return { read: () => seen, stop }
  }
  const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 100))

  it('gives what is appended, characters whole, and no more after it was stopped', async () => {
    await writeFile(path, 'before ')
    const log = follow()
    await settled()
    const euro = Buffer.from('€')
    await appendFile(path, euro.subarray(0, 2))
    await settled()
    await appendFile(path, Buffer.concat([euro.subarray(2), Buffer.from('!')]))
    await expect.poll(log.read).toBe('€!')
    log.stop()
    await appendFile(path, 'late')
    await settled()
    expect(log.read()).toBe('€!')
  })

  it('begins at the beginning of a log that is not there yet', async () => {
    const log = follow()
    await settled()
    await writeFile(path, 'first words')
    await expect.poll(log.read).toBe('first words')
    log.stop()
  })

  it('neither repeats nor loses a line when the log is replaced by its newest half', async () => {
    const lines = (from: number, to: number): string =>
      Array.from({ length: to - from }, (_, index) => `line ${from + index}\n`).join('')
    await writeFile(path, '')
    const log = follow()
    await settled()
    await appendFile(path, lines(0, 3000))
    await writeFile(`${path}.tmp`, lines(1500, 3000))
    await rename(`${path}.tmp`, path)
    await appendFile(path, lines(3000, 3100))
    await expect.poll(() => log.read().length, { timeout: 3000 }).toBe(lines(0, 3100).length)
    expect(log.read()).toBe(lines(0, 3100))
    log.stop()
  })
})
