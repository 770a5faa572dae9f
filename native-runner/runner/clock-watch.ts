// SPDX-License-Identifier: Apache-2.0
// Notices that the host's wall clock jumped: it slept, or someone set it. A guest does not notice.

const CHECK_MS = 5000
const JUMP_MS = 1000

/** @returns the function that ends the watch */
export function watchClock(onJump: () => void): () => void {
  // The monotonic clock stands still while the host sleeps and does not care when someone sets the time.
  const offset = (): number => Date.now() - performance.now()
  let last = offset()
  const timer = setInterval(() => {
    const now = offset()
    if (Math.abs(now - last) > JUMP_MS) onJump()
    last = now
  }, CHECK_MS)
  timer.unref()
  return () => clearInterval(timer)
}
