// SPDX-License-Identifier: Apache-2.0
// What a place shows when it has no content to show: an error, nothing yet, or loading.
import { useEffect, useState, type ReactNode } from 'react'
import { errorText } from './error-text'

interface ErrorPanelProps {
  /** What failed: "Images could not be listed". */
  readonly title: string
  readonly error: unknown
  /** Buttons that do something about it. */
  readonly children?: ReactNode
}

/** What failed, why, what to do, and a button that does it. */
export function ErrorPanel(props: ErrorPanelProps): ReactNode {
  const { message, hint } = errorText(props.error)
  return (
    <div className="error-panel" role="alert" data-testid="error-panel">
      <p className="error-title">{props.title}</p>
      <p className="error-message">{message}</p>
      {hint !== undefined && <p className="error-hint">{hint}</p>}
      {props.children !== undefined && <div className="error-actions">{props.children}</div>}
    </div>
  )
}

interface EmptyStateProps {
  readonly title: string
  readonly children: ReactNode
}

/** A place with nothing in it yet, saying what would be here and how to get it. */
export function EmptyState(props: EmptyStateProps): ReactNode {
  return (
    <div className="empty-state" data-testid="empty-state">
      <h2>{props.title}</h2>
      {props.children}
    </div>
  )
}

/** Grey bars where rows will be. Drawn only after 200 ms, so that quick answers do not flicker. */
export function SkeletonRows(props: { readonly rows: number }): ReactNode {
  const late = useLate(200)
  return (
    <div className="skeleton" role="status" aria-label="Loading" data-late={late}>
      {Array.from({ length: props.rows }, (_, index) => (
        <div key={index} className="skeleton-row" />
      ))}
    </div>
  )
}

/** False, then true once `ms` milliseconds have gone by. */
export function useLate(ms: number): boolean {
  const [late, setLate] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), ms)
    return () => clearTimeout(timer)
  }, [ms])
  return late
}
