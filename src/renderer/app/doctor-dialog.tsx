// SPDX-License-Identifier: Apache-2.0
import type { ReactNode } from 'react'
import type { DoctorCheck, DoctorReport } from '../../contract/ipc'
import { backendName } from '../features/vms/backend-name'
import { Button } from '../ui/button'
import { useCopy } from '../ui/copy-button'
import { Dialog } from '../ui/dialog'
import { ErrorPanel, SkeletonRows } from '../ui/feedback'
import { StatusDot, type Tone } from '../ui/status-dot'
import { openDoctor, runDoctor, useHost } from './host-store'

/** Everything machines need of this computer, checked, with what to do where something is missing. */
export function DoctorDialog(): ReactNode {
  const { doctorOpen, report, reportError, checking } = useHost()
  const [copied, copy] = useCopy(report === undefined ? '' : reportText(report))
  if (!doctorOpen) return null
  return (
    <Dialog title="Doctor" className="doctor" onClose={() => openDoctor(false)}>
      <div className="doctor-body">
        {reportError !== undefined && (
          <ErrorPanel title="The checks did not run" error={reportError} />
        )}
        {report === undefined && reportError === undefined && <SkeletonRows rows={5} />}
        {report !== undefined && <Report report={report} />}
      </div>
      <div className="dialog-actions">
        <Button variant="quiet" disabled={report === undefined} onClick={copy}>
          {copied ? 'Copied' : 'Copy report'}
        </Button>
        <Button disabled={checking} onClick={() => void runDoctor()}>
          {checking ? 'Checking…' : 'Check again'}
        </Button>
        <Button variant="primary" onClick={() => openDoctor(false)}>
          Done
        </Button>
      </div>
    </Dialog>
  )
}

function Report({ report }: { readonly report: DoctorReport }): ReactNode {
  return (
    <>
      <p className="doctor-backend">
        {report.backend === undefined
          ? 'No backend can run machines here. What is missing is below.'
          : `Machines run on ${backendName(report.backend)}: ${report.backend.reason}.`}
      </p>
      <ul className="checks">
        {report.checks.map((check) => (
          <Check key={check.name} check={check} />
        ))}
      </ul>
    </>
  )
}

const tones: Record<DoctorCheck['status'], Tone> = { ok: 'good', warning: 'busy', failed: 'bad' }
const words: Record<DoctorCheck['status'], string> = {
  ok: 'OK',
  warning: 'Warning',
  failed: 'Failed',
}

function Check({ check }: { readonly check: DoctorCheck }): ReactNode {
  return (
    <li className="check-line" data-status={check.status}>
      <StatusDot tone={tones[check.status]} />
      <div>
        <p className="check-name">
          {check.name} <span className="hidden-text">{words[check.status]}</span>
        </p>
        <p>{check.detail}</p>
        {check.hint !== undefined && <p className="check-hint">{check.hint}</p>}
      </div>
    </li>
  )
}

function reportText(report: DoctorReport): string {
  const lines = report.checks.map(({ name, status, detail, hint }) =>
    [`[${words[status]}] ${name}: ${detail}`, hint === undefined ? '' : `    ${hint}`]
      .filter(Boolean)
      .join('\n'),
  )
  const backend = report.backend === undefined ? 'none' : backendName(report.backend)
  return [`Backend: ${backend}`, ...lines].join('\n')
}
