// SPDX-License-Identifier: Apache-2.0
import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { Semaphore } from '../../../../src/main/image/semaphore'

const never = new AbortController().signal

describe('a semaphore', () => {
  it('lets so many in at a time, in the order they came', async () => {
    const semaphore = new Semaphore(2)
    const began: number[] = []
    let inside = 0
    let most = 0
    const work = async (id: number): Promise<void> => {
      began.push(id)
      most = Math.max(most, ++inside)
      await turn()
      inside--
    }
    await Promise.all([1, 2, 3, 4, 5].map((id) => semaphore.run(() => work(id), never)))
    expect(began).toEqual([1, 2, 3, 4, 5])
    expect(most).toBe(2)
  })

  it('lets the heaviest of those that wait in first', async () => {
    const semaphore = new Semaphore(1)
    const began: number[] = []
    const work = async (weight: number): Promise<void> => {
      began.push(weight)
      await turn()
    }
    const weights = [1, 5, 30, 5, 900]
    await Promise.all(weights.map((weight) => semaphore.run(() => work(weight), never, weight)))
    expect(began).toEqual([1, 900, 30, 5, 5])
  })

  it('gives the place on when work fails, and passes over who has left', async () => {
    const semaphore = new Semaphore(1)
    const cancelling = new AbortController()
    const failing = semaphore.run(async () => {
      await turn()
      throw new Error('no')
    }, never)
    const leaving = semaphore.run(async () => 'late', cancelling.signal)
    const staying = semaphore.run(async () => 'here', never)
    cancelling.abort()
    await expect(leaving).rejects.toMatchObject({ name: 'AbortError' })
    await expect(failing).rejects.toThrow('no')
    expect(await staying).toBe('here')
  })
})
