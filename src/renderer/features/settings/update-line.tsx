// SPDX-License-Identifier: Apache-2.0
// One line of the settings: whether there is a newer version of the app, and the button for what comes next.
import { useEffect, type ReactNode } from 'react'
import type { UpdateState } from '../../../contract/updates'
import { Button } from '../../ui/button'
import { ConfirmDialog } from '../../ui/dialog'
import { errorText } from '../../ui/error-text'
import { formatPlural } from '../../ui/format'
import {
  checkForUpdates,
  followUpdates,
  installUpdate,
  keepVersion,
  useUpdates,
} from './updates-store'

export function UpdateLine(): ReactNode {
  const { state, asking } = useUpdates()
  useEffect(followUpdates, [])
  if (state === undefined) return '…'
  return (
    <>
      <span role="status">{words(state)}</span>{' '}
      {canCheck(state) && <Button onClick={() => void checkForUpdates()}>Check now</Button>}
      {state.status === 'ready' && (
        <Button variant="primary" onClick={() => void installUpdate(false)}>
          Restart to update
        </Button>
      )}
      {asking !== undefined && <RunningQuestion running={asking} />}
    </>
  )
}

function RunningQuestion({ running }: { readonly running: number }): ReactNode {
  return (
    <ConfirmDialog
      title={`Update while ${formatPlural(running, 'machine')} ${running === 1 ? 'runs' : 'run'}?`}
      action="Restart to update"
      onConfirm={() => void installUpdate(true)}
      onClose={keepVersion}
    >
      Machines go on running and are there again in the new version. Open shells reconnect. A pull
      under way ends; the layers it has fetched are kept.
    </ConfirmDialog>
  )
}

const canCheck = ({ status }: UpdateState): boolean =>
  status === 'unknown' || status === 'newest' || status === 'failed'

function words(state: UpdateState): string {
  switch (state.status) {
    case 'off':
      return `Off. ${state.why}`
    case 'unknown':
      return 'Not looked for yet'
    case 'checking':
      return 'Looking for a new version…'
    case 'newest':
      return 'This is the newest version'
    case 'downloading':
      return `Fetching ${state.version}: ${Math.floor(state.part * 100)} %`
    case 'ready':
      return `${state.version} is ready`
    case 'failed': {
      const { message, hint } = errorText(state.error)
      return hint === undefined ? message : `${message} ${hint}`
    }
  }
}
