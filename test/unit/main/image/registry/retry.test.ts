// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { MicrovmError } from '../../../../../src/contract/errors'
import {
  isRetryableStatus,
  parseRetryAfter,
  Retryable,
  withRetries,
} from '../../../../../src/main/image/registry/retry'

const failure = (retryAfterMs?: number): Retryable =>
  new Retryable(new MicrovmError('REGISTRY_ERROR', 'busy'), retryAfterMs)

/** Fails so often, then succeeds; tells how long each wait would have been. */
async function attempt(
  failures: number,
  error = failure(),
): Promise<{ tries: number; waits: number[] }> {
  const waits: number[] = []
  let tries = 0
  const sleep = async (ms: number): Promise<void> => void waits.push(ms)
  await withRetries(
    async () => {
      tries++
      if (tries <= failures) throw error
    },
    { sleep },
  )
  return { tries, waits }
}

describe('trying again', () => {
  it('waits longer each time, up to five tries', async () => {
    const { tries, waits } = await attempt(4)
    expect(tries).toBe(5)
    for (const [i, full] of [500, 1000, 2000, 4000].entries()) {
      expect(waits[i]).toBeLessThanOrEqual(full)
      expect(waits[i]).toBeGreaterThanOrEqual(full * 0.75)
    }
    await expect(attempt(5)).rejects.toMatchObject({ code: 'REGISTRY_ERROR', message: 'busy' })
  })

  it('waits as long as the server asks for', async () => {
    expect((await attempt(2, failure(7000))).waits).toEqual([7000, 7000])
  })

  it('tells the user in place of waiting very long', async () => {
    await expect(attempt(1, failure(3_600_000))).rejects.toMatchObject({
      code: 'REGISTRY_ERROR',
      hint: expect.stringContaining('60 minutes') as string,
    })
  })

  it('does not do so for other errors', async () => {
    let tries = 0
    const work = async (): Promise<never> => {
      tries++
      throw new MicrovmError('IMAGE_NOT_FOUND', 'no')
    }
    await expect(withRetries(work, {})).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' })
    expect(tries).toBe(1)
  })

  it('ends at once when cancelled while waiting', async () => {
    const cancelling = new AbortController()
    const work = async (): Promise<never> => {
      setImmediate(() => cancelling.abort())
      throw failure(60_000)
    }
    await expect(withRetries(work, { signal: cancelling.signal })).rejects.toMatchObject({
      name: 'AbortError',
    })
  })

  it('is for the statuses that pass', () => {
    const passing = [408, 429, 499, 500, 502, 503, 504, 522, 599]
    const lasting = [200, 301, 400, 401, 403, 404, 416, 600]
    expect(passing.filter(isRetryableStatus)).toEqual(passing)
    expect(lasting.filter(isRetryableStatus)).toEqual([])
  })

  it('reads Retry-After as seconds or as a date', () => {
    const now = Date.parse('2024-01-01T00:00:00Z')
    expect(parseRetryAfter('120', now)).toBe(120_000)
    expect(parseRetryAfter('Mon, 01 Jan 2024 00:00:30 GMT', now)).toBe(30_000)
    expect(parseRetryAfter('Sun, 31 Dec 2023 00:00:00 GMT', now)).toBe(0)
    expect(parseRetryAfter('soon', now)).toBeUndefined()
    expect(parseRetryAfter(undefined, now)).toBeUndefined()
  })
})
