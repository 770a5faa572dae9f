// SPDX-License-Identifier: Apache-2.0
import type { TimelineEvent } from '../../contract/vm-state'

/** The engine's part of the launch waterfall; the runner goes on with it on the same clock. */
export interface LaunchClock {
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  readonly timeline: readonly TimelineEvent[]
  /** The stage of this name has just ended. */
  mark(name: 'image' | 'disk'): void
}

export function startClock(startedAt: number, now: () => number = Date.now): LaunchClock {
  const timeline: TimelineEvent[] = []
  return {
    startedAt,
    timeline,
    mark: (name) => void timeline.push({ name, at: Math.max(0, now() - startedAt) }),
  }
}
