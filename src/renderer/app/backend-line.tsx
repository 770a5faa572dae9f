// SPDX-License-Identifier: Apache-2.0
import type { ReactNode } from 'react'
import type { DoctorReport } from '../../contract/ipc'
import { backendName } from '../features/vms/backend-name'
import { StatusDot, type Tone } from '../ui/status-dot'
import { openDoctor, useHost } from './host-store'

/** What runs the machines, and why; opens the Doctor. */
export function BackendLine(): ReactNode {
  const { report, reportError } = useHost()
  const [tone, title, reason] = describe(report, reportError)
  return (
    <button
      type="button"
      className="backend"
      aria-haspopup="dialog"
      aria-label={`Doctor: ${title}${reason === '' ? '' : `, ${reason}`}`}
      data-testid="backend"
      onClick={() => openDoctor(true)}
    >
      <StatusDot tone={tone} />
      <span className="backend-text">
        <span>{title}</span>
        {reason !== '' && (
          <span className="backend-reason" title={reason}>
            {reason}
          </span>
        )}
      </span>
    </button>
  )
}

function describe(report: DoctorReport | undefined, error: unknown): [Tone, string, string] {
  if (error !== undefined) return ['bad', 'Not checked', 'the checks did not run']
  if (report === undefined) return ['off', 'Checking…', '']
  const failed = report.checks.filter((check) => check.status === 'failed').length
  if (report.backend === undefined) return ['bad', 'No backend', 'machines cannot run']
  const title = backendName(report.backend)
  // The part after the colon is for the Doctor.
  const reason = report.backend.reason.split(':')[0] ?? ''
  if (failed > 0) return ['bad', title, failed === 1 ? '1 check failed' : `${failed} checks failed`]
  return ['good', title, reason]
}
