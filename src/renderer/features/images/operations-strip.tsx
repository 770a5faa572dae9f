// SPDX-License-Identifier: Apache-2.0
import type { ReactNode } from 'react'
import { cancelOperation, useOperations, type Operation } from '../../api/operations'
import { StatusDot } from '../../ui/status-dot'
import { orToast } from '../../ui/toast-store'
import { progressText, spokenProgress } from './pull-progress'

/** One line in the bottom bar about the latest pull or import under way; nothing if there is none. */
export function OperationsStrip(): ReactNode {
  const running = useOperations((state) => state.running)
  const latest = running.at(-1)
  return (
    <>
      <span className="hidden-text" role="status">
        {latest !== undefined && spokenProgress(latest.title, latest.progress)}
      </span>
      {latest !== undefined && <Latest operation={latest} more={running.length - 1} />}
    </>
  )
}

interface LatestProps {
  readonly operation: Operation
  readonly more: number
}

function Latest({ operation: latest, more }: LatestProps): ReactNode {
  return (
    <div className="operations-strip" data-testid="operation">
      <StatusDot tone="busy" />
      <span className="cut" title={latest.title}>
        {latest.title}
      </span>
      <span className="operation-amount">{progressText(latest.progress)}</span>
      {more > 0 && <span>+{more} more</span>}
      <button
        type="button"
        className="link"
        disabled={latest.cancelling}
        onClick={() => void orToast(`${latest.title} goes on`, cancelOperation(latest.id))}
      >
        {latest.cancelling ? 'cancelling…' : 'cancel'}
      </button>
    </div>
  )
}
