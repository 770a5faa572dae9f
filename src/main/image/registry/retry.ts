// SPDX-License-Identifier: Apache-2.0
// When to ask a server again, and how long to wait before: network errors and the statuses that
// pass by themselves, up to 5 tries, waiting longer each time or as long as the server says.
import { setTimeout as sleepFor } from 'node:timers/promises'
import { MicrovmError } from '../../../contract/errors'

export const MAX_TRIES = 5
const WAITS = { firstMs: 500, longestMs: 15_000 }
/** A server that asks for more is told to the user in place of waiting. */
const LONGEST_RETRY_AFTER_MS = 120_000

/** A failure that another try may mend; `cause` is what to throw if there is none. */
export class Retryable extends Error {
  override readonly cause: MicrovmError
  readonly retryAfterMs: number | undefined

  constructor(cause: MicrovmError, retryAfterMs?: number) {
    super(cause.message)
    this.cause = cause
    this.retryAfterMs = retryAfterMs
  }
}

export interface RetryOptions {
  readonly signal?: AbortSignal | undefined
  /** Waits; given by tests. */
  readonly sleep?: ((ms: number, signal: AbortSignal | undefined) => Promise<void>) | undefined
}

/** 408, 429, 499, every 5xx (522 among them). */
export function isRetryableStatus(status: number): boolean {
  return status === 408 || status === 429 || status === 499 || (status >= 500 && status <= 599)
}

/** @throws the cause of the last `Retryable`; anything else that `work` throws, at once */
export async function withRetries<T>(work: () => Promise<T>, options: RetryOptions): Promise<T> {
  for (let failures = 0; ;) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof Retryable)) throw error
      failures++
      await waitBefore(failures, error, options)
    }
  }
}

/**
 * Waits before the next try.
 * @param failures tries in a row that have failed, from 1 on
 * @throws the error's cause when there shall be no next try
 */
export async function waitBefore(
  failures: number,
  error: Retryable,
  { signal, sleep = defaultSleep }: RetryOptions,
): Promise<void> {
  const wait = error.retryAfterMs ?? backoff(failures, WAITS)
  if (failures >= MAX_TRIES) throw error.cause
  if (wait > LONGEST_RETRY_AFTER_MS)
    throw new MicrovmError(error.cause.code, error.cause.message, {
      hint: `The server asks to wait ${Math.ceil(wait / 60_000)} minutes before the next try.`,
      cause: error.cause,
    })
  await sleep(wait, signal)
}

/**
 * Milliseconds before the next try: doubles each time; up to a quarter is random, so that many clients do not come
 * back at once.
 * @param failures tries in a row that have failed, from 1 on
 */
export function backoff(
  failures: number,
  { firstMs, longestMs }: { readonly firstMs: number; readonly longestMs: number },
): number {
  const full = Math.min(firstMs * 2 ** (failures - 1), longestMs)
  return full * (0.75 + Math.random() / 4)
}

/** The Retry-After header (RFC 9110, 10.2.3): seconds or a date. */
export function parseRetryAfter(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined
  if (/^[0-9]{1,9}$/.test(value.trim())) return Number(value) * 1000
  const date = Date.parse(value)
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}

async function defaultSleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await sleepFor(ms, undefined, signal ? { signal } : {})
}
