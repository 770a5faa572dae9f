// SPDX-License-Identifier: Apache-2.0
import type { ReactNode } from 'react'
import { MicrovmError } from '../../../../contract/errors'
import type { VmView } from '../../../../contract/ipc'
import { openMachine } from '../../../app/route'
import { Button } from '../../../ui/button'
import { ErrorPanel } from '../../../ui/feedback'
import { ProgressDetails } from '../../images/progress-details'
import { registryOf } from '../../images/registry-of'
import { askToSignIn } from '../../settings/sign-in-store'
import { openShell } from '../../terminal/terminal-store'
import { bootProgress } from '../boot-progress'
import { askDelete, cancelLaunch, runAction } from '../vm-actions'

/** What needs the user's eye: a launch under way, a failure, a pause, damaged files. */
export function MachineNotice({ vm }: { readonly vm: VmView }): ReactNode {
  if (vm.damaged !== undefined)
    return (
      <ErrorPanel title="Files of this machine could not be read" error={vm.damaged}>
        <Button variant="danger" onClick={() => askDelete(vm.id)}>
          Delete…
        </Button>
      </ErrorPanel>
    )
  if (vm.state.status === 'starting') return <LaunchProgress vm={vm} />
  if (vm.state.status === 'failed') return <Failure vm={vm} />
  if (vm.state.status === 'paused') return <Pause vm={vm} />
  return null
}

function LaunchProgress({ vm }: { readonly vm: VmView }): ReactNode {
  const pulls = (vm.progress?.layers ?? []).length > 0
  return (
    <ProgressDetails
      // A pull's bar and the boot's are two bars: none runs backwards into the other.
      key={pulls ? 'pull' : 'boot'}
      title={`Launching ${vm.spec.name}`}
      progress={pulls ? vm.progress : bootProgress(vm)}
      cancelling={false}
      onCancel={() => cancelLaunch(vm.id, vm.spec.name)}
    />
  )
}

function Failure({ vm }: { readonly vm: VmView }): ReactNode {
  const { exitCode, error } = vm.state
  const title =
    exitCode === undefined ? `${vm.spec.name} failed` : `The command of ${vm.spec.name} failed`
  const reason =
    error ??
    new MicrovmError('ENTRYPOINT_FAILED', `It ended with exit code ${exitCode ?? 'unknown'}.`, {
      hint: 'The console log shows what it printed.',
    })
  return (
    <ErrorPanel title={title} error={reason}>
      <Button variant="primary" onClick={() => runAction(vm, 'start', openShell)}>
        Start again
      </Button>
      {error?.code === 'REGISTRY_DENIED' ? (
        <Button onClick={() => signInAndStart(vm)}>Sign in…</Button>
      ) : (
        <Button onClick={() => openMachine(vm.id, 'console')}>View console log</Button>
      )}
    </ErrorPanel>
  )
}

function signInAndStart(vm: VmView): void {
  const after = (): void => runAction(vm, 'start', openShell)
  askToSignIn({ registry: registryOf(vm.spec.image), after })
}

function Pause({ vm }: { readonly vm: VmView }): ReactNode {
  const reason =
    vm.state.error ?? new MicrovmError('CONFLICT', 'The machine waits and keeps its memory.')
  return (
    <ErrorPanel title={`${vm.spec.name} is paused`} error={reason}>
      <Button variant="primary" onClick={() => runAction(vm, 'resume', openShell)}>
        Resume
      </Button>
    </ErrorPanel>
  )
}
