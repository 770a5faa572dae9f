// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { SharedTasks } from '../../../../src/main/image/shared-tasks'

/** Work that ends when told to, and counts how often it was begun and cancelled. */
function work() {
  let finish: (value: string) => void = () => undefined
  let tell: (progress: number) => void = () => undefined
  const seen = { begun: 0, cancelled: 0 }
  const run = (signal: AbortSignal, report: (progress: number) => void): Promise<string> => {
    seen.begun++
    tell = report
    return new Promise((resolve, reject) => {
      finish = resolve
      signal.addEventListener('abort', () => {
        seen.cancelled++
        reject(new Error('stopped'))
      })
    })
  }
  return { run, seen, finish: (value: string) => finish(value), tell: (n: number) => tell(n) }
}

describe('a shared task', () => {
  it('is done once for all who want it, and all hear how far it is', async () => {
    const tasks = new SharedTasks<string, number>()
    const { run, seen, finish, tell } = work()
    const heard: number[] = []
    const hears = () => ({ onProgress: (n: number): void => void heard.push(n) })
    const calls = [tasks.run('k', run, hears()), tasks.run('k', run, hears())]
    tell(5)
    finish('done')
    expect(await Promise.all(calls)).toEqual(['done', 'done'])
    expect(seen).toEqual({ begun: 1, cancelled: 0 })
    expect(heard).toEqual([5, 5])
  })

  it('goes on for the others when one cancels', async () => {
    const tasks = new SharedTasks<string, number>()
    const { run, seen, finish } = work()
    const cancelling = new AbortController()
    const leaving = tasks.run('k', run, { signal: cancelling.signal })
    const staying = tasks.run('k', run, { signal: new AbortController().signal })
    cancelling.abort()
    await expect(leaving).rejects.toMatchObject({ name: 'AbortError' })
    finish('done')
    expect(await staying).toBe('done')
    expect(seen.cancelled).toBe(0)
  })

  it('is cancelled when the last one cancels, and begun anew by the next', async () => {
    const tasks = new SharedTasks<string, number>()
    const { run, seen, finish } = work()
    const cancelling = new AbortController()
    const both = [1, 2].map(() => tasks.run('k', run, { signal: cancelling.signal }))
    cancelling.abort()
    for (const call of both) await expect(call).rejects.toMatchObject({ name: 'AbortError' })
    expect(seen.cancelled).toBe(1)
    const next = tasks.run('k', run, {})
    finish('again')
    expect(await next).toBe('again')
  })

  it('fails for all, and is begun anew by the next', async () => {
    const tasks = new SharedTasks<string, number>()
    const failing = async (): Promise<string> => {
      throw new Error('broken')
    }
    for (const call of [1, 2].map(() => tasks.run('k', failing, {})))
      await expect(call).rejects.toThrow('broken')
    expect(await tasks.run('k', async () => 'fine', {})).toBe('fine')
  })
})
