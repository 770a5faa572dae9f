// SPDX-License-Identifier: Apache-2.0
// Mutual exclusion between processes by a lock of the kernel: it is gone when its holder dies,
// however it dies, so there is no stale lock to judge. The lock file itself stays.
import { mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { tryLock, unlock } from 'fs-native-extensions'

const FIRST_WAIT_MS = 2
const LONGEST_WAIT_MS = 50

/**
 * Runs `work` while holding the exclusive lock on `path` (made if missing, mode 0600).
 * Not re-entrant: a second call for the same path, from this process too, waits for the first.
 * @throws CANCELLED's AbortError if `signal` fires while waiting; whatever `work` throws
 */
export async function withFileLock<T>(
  path: string,
  work: () => Promise<T>,
  options: { signal?: AbortSignal } = {},
): Promise<T> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const file = await open(path, 'a+', 0o600)
  try {
    // Waiting by polling, not with the blocking call: that one would hold a thread of the pool
    // per waiter, and enough waiters would stop all file work of the process.
    for (let wait = FIRST_WAIT_MS; !tryLock(file.fd); wait = Math.min(wait * 2, LONGEST_WAIT_MS)) {
      await sleep(wait, undefined, options.signal ? { signal: options.signal } : {})
    }
    try {
      return await work()
    } finally {
      unlock(file.fd)
    }
  } finally {
    await file.close()
  }
}
