// SPDX-License-Identifier: Apache-2.0
// One clock for every "since" in the window: ticks each second, redraws only what reads differently.
import { useSyncExternalStore } from 'react'

const listeners = new Set<() => void>()
let timer: ReturnType<typeof setInterval> | undefined
let now = Date.now()

function subscribe(listener: () => void): () => void {
  if (timer === undefined) {
    now = Date.now()
    timer = setInterval(tick, 1000)
  }
  listeners.add(listener)
  return () => {
    listeners.delete(listener)
    if (listeners.size > 0) return
    clearInterval(timer)
    timer = undefined
  }
}

function tick(): void {
  now = Date.now()
  for (const listener of listeners) listener()
}

/** A text made of the present moment; the caller redraws only when the text changes. */
export function useTimeText(describe: (now: number) => string): string {
  return useSyncExternalStore(subscribe, () => describe(now))
}
