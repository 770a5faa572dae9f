// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ConsoleLog } from '../../../../native-runner/runner/console-log'

let dir: string
let path: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'microvm-console-'))
  path = join(dir, 'console.log')
})
afterEach(() => rm(dir, { recursive: true }))

const lines = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, index) => `line ${from + index}\n`).join('')

describe('the console log', () => {
  it('appends to what earlier boots wrote, for its owner only', async () => {
    await writeFile(path, 'before\n', { mode: 0o600 })
    const log = await ConsoleLog.open(path, 1000)
    await log.append(Buffer.from('now\n'))
    await log.close()
    expect(await readFile(path, 'utf8')).toBe('before\nnow\n')
    expect((await stat(path)).mode & 0o777).toBe(0o600)
  })

  it('never grows beyond its bound, and keeps the newest half in whole lines', async () => {
    const log = await ConsoleLog.open(path, 1000)
    for (let i = 0; i < 500; i += 1) {
      await log.append(Buffer.from(`line ${i}\n`))
      expect((await stat(path)).size).toBeLessThanOrEqual(1000)
    }
    const text = await readFile(path, 'utf8')
    expect(text.length).toBeGreaterThanOrEqual(450)
    const first = Number(/^line (\d+)\n/.exec(text)?.[1])
    expect(text).toBe(lines(first, 500))
    await log.close()
  })

  it('bounds a log that is too large already, and output in one huge piece', async () => {
    await writeFile(path, lines(0, 1000))
    const log = await ConsoleLog.open(path, 1000)
    await log.append(Buffer.from('end\n'))
    expect((await stat(path)).size).toBeLessThanOrEqual(1000)
    await log.append(Buffer.alloc(100_000, 'x'))
    expect((await stat(path)).size).toBeLessThanOrEqual(1000)
    await log.close()
  })

  it('leaves no file beside the log, even one an earlier end left', async () => {
    await writeFile(`${path}.tmp`, 'left over')
    const log = await ConsoleLog.open(path, 100)
    for (let i = 0; i < 50; i += 1) await log.append(Buffer.from(`line ${i}\n`))
    await log.close()
    expect(await readdir(dir)).toEqual(['console.log'])
  })

  it('remembers the end of the present boot', async () => {
    const log = await ConsoleLog.open(path, 100_000)
    await log.append(Buffer.from('old boot'))
    log.forget()
    await log.append(Buffer.from('x'.repeat(5000)))
    await log.append(Buffer.from('panic'))
    expect(log.tail).toHaveLength(4096)
    expect(log.tail.endsWith('xpanic')).toBe(true)
    expect(log.tail).not.toContain('old boot')
    await log.close()
  })

  it('follows a console to its end and survives its breaking', async () => {
    const log = await ConsoleLog.open(path, 1000)
    const errors: unknown[] = []
    const source = new PassThrough()
    const following = log.follow(source, (error) => errors.push(error))
    source.write('one ')
    source.end('two')
    await following
    const broken = new PassThrough()
    const second = log.follow(broken, (error) => errors.push(error))
    broken.write(' three')
    await new Promise((resolve) => setTimeout(resolve, 20))
    broken.destroy()
    await second
    expect(await readFile(path, 'utf8')).toBe('one two three')
    expect(errors).toEqual([])
    await log.close()
  })
})
