// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { holderCommand, withLock } from '../../../../scripts/setup/locking.mjs'

let dir = ''
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'locking-'))
})
afterEach(() => rmSync(dir, { recursive: true }))

describe('the set-up lock', () => {
  it('lets one in after the other, and says that one waits', async () => {
    const lock = join(dir, 'deeper', 'lock')
    const events: string[] = []
    let second: Promise<unknown> | undefined
    await withLock(lock, async () => {
      await new Promise<void>((waits) => {
        second = withLock(lock, async () => events.push('second in'), { onWait: waits })
      })
      events.push('first out')
    })
    await second
    expect(events).toEqual(['first out', 'second in'])
  })

  it('is free again after an error', async () => {
    const lock = join(dir, 'lock')
    await expect(withLock(lock, () => Promise.reject(new Error('broke off')))).rejects.toThrow()
    expect(await withLock(lock, () => Promise.resolve('in'))).toBe('in')
  })

  it('is free again when its holder is killed', async () => {
    const lock = join(dir, 'lock')
    const locking = resolve(import.meta.dirname, '../../../../scripts/setup/locking.mjs')
    const code = `import { holderCommand, withLock } from ${JSON.stringify(locking)}
      await withLock(${JSON.stringify(lock)}, async () => {
        console.log('held')
        await new Promise((done) => setTimeout(done, 60_000))
      })`
    const holder = spawn(process.execPath, ['--input-type=module', '--eval', code])
    await once(holder.stdout, 'data')
    holder.kill('SIGKILL')
    await once(holder, 'close')
    expect(await withLock(lock, () => Promise.resolve('in'))).toBe('in')
  })

  it('is the same lock by the command that a Mac has', async () => {
    const lock = join(dir, 'lock')
    const [program, ...args] = holderCommand('darwin', lock)
    const events: string[] = []
    const { holder, taken } = await withLock(lock, async () => {
      const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] })
      const said = once(child.stdout, 'data').then(([data]) => events.push(String(data).trim()))
      // Time enough to take a lock that is not the same.
      await sleep(300)
      events.push('first out')
      return { holder: child, taken: said }
    })
    await taken
    expect(events).toEqual(['first out', 'locked'])
    const next = withLock(lock, async () => events.push('third in'))
    holder.stdin.end()
    await next
    expect(events.at(-1)).toBe('third in')
  })
})
