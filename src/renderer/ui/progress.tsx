// SPDX-License-Identifier: Apache-2.0
import type { ReactNode } from 'react'

interface ProgressBarProps {
  readonly label: string
  /** 0 to 1; undefined while it cannot be known. */
  readonly fraction: number | undefined
}

/** A thin bar; moves on its own while the fraction is unknown. */
export function ProgressBar(props: ProgressBarProps): ReactNode {
  const known = props.fraction !== undefined
  const percent = known
    ? Math.round(Math.min(1, Math.max(0, props.fraction ?? 0)) * 100)
    : undefined
  return (
    <div
      className={known ? 'progress' : 'progress progress-unknown'}
      role="progressbar"
      aria-label={props.label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={percent}
    >
      <div className="progress-bar" style={known ? { width: `${percent}%` } : undefined} />
    </div>
  )
}
