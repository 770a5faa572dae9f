// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it, vi } from 'vitest'
import { operationHandlers, Operations } from '../../../../src/main/ipc/operations'

const progress = (message: string) => ({ stage: 'image', message })

describe('an operation', () => {
  it('returns what its work returns', async () => {
    expect(await new Operations(vi.fn()).run('a', async () => 42)).toBe(42)
  })

  it('reports progress under its id, the last of it before it ends', async () => {
    const sent: string[] = []
    const operations = new Operations((_event, payload) => {
      const { operationId, progress } = payload as {
        operationId: string
        progress: { message: string }
      }
      sent.push(`${operationId} ${progress.message}`)
    })
    await operations.run('a', async ({ onProgress }) => {
      for (let at = 0; at < 1000; at += 1) onProgress(progress(String(at)))
    })
    expect(sent).toEqual(['a 0', 'a 999'])
  })

  it('is cancelled by its id, and only it', async () => {
    const operations = new Operations(vi.fn())
    const signals = new Map<string, AbortSignal>()
    const work = (id: string) =>
      operations.run(id, ({ signal }) => {
        signals.set(id, signal)
        return new Promise<void>((_, reject) =>
          signal.addEventListener('abort', () => reject(signal.reason as Error)),
        )
      })
    const cancelled = work('a')
    void work('b')
    void operationHandlers(operations)['operations.cancel']({ operationId: 'a' })
    await expect(cancelled).rejects.toThrow('aborted')
    expect(signals.get('b')?.aborted).toBe(false)
  })

  it('that has ended or never was can be cancelled without harm', async () => {
    const operations = new Operations(vi.fn())
    await operations.run('a', async () => undefined)
    expect(() => operations.cancel('a')).not.toThrow()
    expect(() => operations.cancel('b')).not.toThrow()
  })

  it('cannot take the id of one that runs, but of one that failed', async () => {
    const operations = new Operations(vi.fn())
    const running = operations.run(
      'a',
      () => new Promise<void>((resolve) => setTimeout(resolve, 5)),
    )
    await expect(operations.run('a', async () => 1)).rejects.toMatchObject({ code: 'CONFLICT' })
    await running
    await expect(operations.run('a', () => Promise.reject(new Error('x')))).rejects.toThrow('x')
    expect(await operations.run('a', async () => 2)).toBe(2)
  })
})
