// SPDX-License-Identifier: Apache-2.0
// The geometry of the launch waterfall: one bar per stage, each from the end of the stage before. Pure.
import type { TimelineEvent } from '../../../contract/vm-state'

export interface WaterfallBar {
  readonly name: string
  /** Milliseconds the stage took. */
  readonly ms: number
  /** Left edge and width as shares (0 to 1) of the whole. */
  readonly left: number
  readonly width: number
  /** Still under way: ends at the present moment. */
  readonly open: boolean
}

export interface Waterfall {
  readonly bars: readonly WaterfallBar[]
  /** Milliseconds from the click to the end of the last stage, or to now. */
  readonly total: number
}

/**
 * Bars of a timeline. `current`: the stage under way and milliseconds since the launch began.
 * Times that go backwards (two clocks) count as no time at all.
 */
export function layOutWaterfall(
  timeline: readonly TimelineEvent[],
  current?: { readonly name: string; readonly at: number },
): Waterfall {
  const events = current === undefined ? timeline : [...timeline, current]
  let end = 0
  const spans = events.map(({ name, at }) => {
    const start = end
    end = Math.max(end, at)
    return { name, start, ms: end - start }
  })
  const whole = end > 0 ? end : 1
  const bars = spans.map(({ name, start, ms }, index) => ({
    name,
    ms,
    left: start / whole,
    width: ms / whole,
    open: current !== undefined && index === events.length - 1,
  }))
  return { bars, total: end }
}
