// SPDX-License-Identifier: Apache-2.0
// Mutual exclusion between processes by a lock of the kernel: it is gone when its holder dies,
// however it dies, so there is no stale lock to judge. The lock file itself stays.
import { mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { tryLock, unlock } from 'fs-native-extensions'

const FIRST_WAIT_MS = 2
const LONGEST_WAIT_MS = 50

export interface LockOptions {
  readonly signal?: AbortSignal
  /** Any number may hold it together, but none beside an exclusive holder. */
  readonly shared?: boolean
}

/**
 * Runs `work` while holding the lock on `path` (made if missing, mode 0600), exclusively unless shared.
 * Not re-entrant: a second call for the same path, from this process too, waits for the first.
 * @throws CANCELLED's AbortError if `signal` fires while waiting; whatever `work` throws
 */
export async function withFileLock<T>(
  path: string,
  work: () => Promise<T>,
  { signal, shared = false }: LockOptions = {},
): Promise<T> {
  return withLockFile(path, async (fd) => {
    const isTaken = (): boolean => !tryLock(fd, 0, 0, { shared })
    // Waiting by polling, not with the blocking call: that one would hold a thread of the pool
    // per waiter, and enough waiters would stop all file work of the process.
    for (let wait = FIRST_WAIT_MS; isTaken(); wait = Math.min(wait * 2, LONGEST_WAIT_MS))
      await sleep(wait, undefined, signal ? { signal } : {})
    return unlockAfter(fd, work)
  })
}

/** As `withFileLock`, but instead of waiting `work` is not run. @returns undefined then */
export async function ifLockIsFree<T>(
  path: string,
  work: () => Promise<T>,
): Promise<T | undefined> {
  return withLockFile(path, async (fd) => (tryLock(fd) ? unlockAfter(fd, work) : undefined))
}

async function withLockFile<T>(path: string, use: (fd: number) => Promise<T>): Promise<T> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const file = await open(path, 'a+', 0o600)
  try {
    return await use(file.fd)
  } finally {
    await file.close()
  }
}

async function unlockAfter<T>(fd: number, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } finally {
    unlock(fd)
  }
}
