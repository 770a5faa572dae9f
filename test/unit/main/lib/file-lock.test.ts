// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { withFileLock } from '../../../../src/main/lib/file-lock'

let dir: string
let lock: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'file-lock-'))
  lock = join(dir, 'lock')
})
afterEach(() => rm(dir, { recursive: true }))

/** Another process that takes the lock, says so, and holds it until it is killed. */
async function holdInAnotherProcess() {
  const library = createRequire(import.meta.url).resolve('fs-native-extensions')
  const script = `
    const fd = require('node:fs').openSync(${JSON.stringify(lock)}, 'a+')
    process.stdout.write(String(require(${JSON.stringify(library)}).tryLock(fd)))
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [said] = (await once(child.stdout, 'data')) as [Buffer]
  expect(said.toString()).toBe('true')
  return child
}

describe('a file lock', () => {
  it('lets ten writers in one process update a file one after the other', async () => {
    const counter = join(dir, 'counter')
    await writeFile(counter, '0')
    const increment = async () =>
      await withFileLock(lock, async () => {
        const value = Number(await readFile(counter, 'utf8'))
        await new Promise((resolve) => setImmediate(resolve))
        await writeFile(counter, String(value + 1))
      })
    await Promise.all(Array.from({ length: 10 }, increment))
    expect(await readFile(counter, 'utf8')).toBe('10')
  })

  it('waits for another process, and is free the moment that one is killed', async () => {
    const child = await holdInAnotherProcess()
    let entered = false
    const waiting = withFileLock(lock, async () => {
      entered = true
    })
    await new Promise((resolve) => setTimeout(resolve, 150))
    expect(entered).toBe(false)
    child.kill('SIGKILL')
    await waiting
    expect(entered).toBe(true)
  })

  it('can be given up while waiting', async () => {
    const child = await holdInAnotherProcess()
    const controller = new AbortController()
    const waiting = withFileLock(lock, async () => 'never', { signal: controller.signal })
    controller.abort()
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' })
    child.kill('SIGKILL')
  })

  it('is released when the work throws', async () => {
    await expect(
      withFileLock(lock, async () => {
        throw new Error('work failed')
      }),
    ).rejects.toThrow('work failed')
    expect(await withFileLock(lock, async () => 'again')).toBe('again')
  })
})
