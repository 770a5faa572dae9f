// SPDX-License-Identifier: Apache-2.0

interface Box {
  /** Pixels. */
  readonly width: number
  readonly height: number
  /** The value drawn at the top edge. */
  readonly max: number
  /** How many readings fill the width; fewer start further right. */
  readonly points: number
}

/** SVG path data of a line through the last `points` values, newest at the right edge. '' for none. */
export function sparkPath(values: readonly number[], box: Box): string {
  const shown = values.slice(-box.points)
  if (shown.length === 0) return ''
  const step = box.width / (box.points - 1)
  const start = box.width - step * (shown.length - 1)
  const max = box.max > 0 ? box.max : 1
  const inner = box.height - 2
  const at = (value: number, index: number): string => {
    const share = Math.min(1, Math.max(0, value / max))
    return `${round(start + index * step)} ${round(1 + inner * (1 - share))}`
  }
  if (shown.length === 1) return `M${at(shown[0] ?? 0, 0)}h0.01`
  return `M${shown.map(at).join('L')}`
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
