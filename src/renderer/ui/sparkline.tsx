// SPDX-License-Identifier: Apache-2.0
import { memo, type ReactNode } from 'react'
import { sparkPath } from './spark-path'

interface SparklineProps {
  readonly values: readonly number[]
  /** The value at the top edge. */
  readonly max: number
  readonly kind: 'cpu' | 'memory'
}

const WIDTH = 60
const HEIGHT = 20
const POINTS = 30

/** A tiny line of the latest readings, the newest at the right edge. Decorative: the figure stands beside it. */
export const Sparkline = memo(function Sparkline(props: SparklineProps): ReactNode {
  const path = sparkPath(props.values, {
    width: WIDTH,
    height: HEIGHT,
    max: props.max,
    points: POINTS,
  })
  return (
    <svg
      className={`spark spark-${props.kind}`}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      aria-hidden
    >
      <path d={path} />
    </svg>
  )
})
