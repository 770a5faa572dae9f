// SPDX-License-Identifier: Apache-2.0
import type { ReactNode } from 'react'
import { cancelOperation, useOperations } from '../../api/operations'
import { StatusDot } from '../../ui/status-dot'
import { orToast } from '../../ui/toast-store'
import { progressText } from './pull-progress'

/** One line in the bottom bar about the latest pull or import under way; nothing if there is none. */
export function OperationsStrip(): ReactNode {
  const running = useOperations((state) => state.running)
  const latest = running.at(-1)
  if (latest === undefined) return null
  const more = running.length - 1
  return (
    <div className="operations-strip" role="status" data-testid="operation">
      <StatusDot tone="busy" />
      <span className="cut">{latest.title}</span>
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
