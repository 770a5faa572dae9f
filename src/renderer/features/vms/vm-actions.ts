// SPDX-License-Identifier: Apache-2.0
// What one can do with a machine, from wherever: row, menu, key, palette, page. A failure becomes a toast.
import { create } from 'zustand'
import { call } from '../../api/client'
import { cancelOperation } from '../../api/operations'
import type { VmView } from '../../../contract/ipc'
import type { PortForward } from '../../../contract/vm-spec'
import { orToast } from '../../ui/toast-store'
import { isUp } from './state-text'

export type VmAction = 'start' | 'stop' | 'force-stop' | 'restart' | 'resume' | 'shell' | 'delete'

interface ActionState {
  /** The machine a delete is being asked about. */
  readonly deleting: string | undefined
  /** Operation ids of the launches of this session, by machine: what Cancel cancels. */
  readonly launches: Readonly<Record<string, string>>
}

export const useActionState = create<ActionState>(() => ({ deleting: undefined, launches: {} }))

/** The actions that make sense for a machine now, the most likely one first. */
export function actionsFor(vm: VmView): readonly VmAction[] {
  if (vm.damaged !== undefined) return ['delete']
  switch (vm.state.status) {
    case 'running':
      return ['shell', 'stop', 'restart', 'delete']
    case 'starting':
      return ['shell', 'stop', 'delete']
    case 'paused':
      return ['resume', 'stop', 'delete']
    case 'stopping':
      return ['force-stop', 'delete']
    case 'stopped':
    case 'failed':
      return ['start', 'delete']
  }
}

const labels: Record<VmAction, string> = {
  start: 'Start',
  stop: 'Stop',
  'force-stop': 'Force stop',
  restart: 'Restart',
  resume: 'Resume',
  shell: 'Shell',
  delete: 'Delete',
}

export function actionLabel(action: VmAction): string {
  return labels[action]
}

/** Does it. `openShell` is handed in, as terminals are another feature's. */
export function runAction(vm: VmView, action: VmAction, openShell: (id: string) => void): void {
  const { id, spec } = vm
  if (action === 'shell') openShell(id)
  else if (action === 'delete') askDelete(id)
  else if (action === 'stop' && vm.state.status === 'starting') cancelLaunch(id, spec.name)
  else void orToast(`${labels[action]} ${spec.name} failed`, callFor(action, id))
}

function callFor(action: Exclude<VmAction, 'shell' | 'delete'>, id: string): Promise<void> {
  switch (action) {
    case 'start':
      return call('vms.start', { id })
    case 'stop':
      return call('vms.stop', { id })
    case 'force-stop':
      return call('vms.stop', { id, force: true })
    case 'restart':
      return call('vms.restart', { id })
    case 'resume':
      return call('vms.resume', { id })
  }
}

/** Ends a launch: its pull or boot is cancelled if this window began it, else the machine is stopped. */
export function cancelLaunch(id: string, name: string): void {
  const operationId = useActionState.getState().launches[id]
  // Only once: should the machine still start after that, the next click stops it.
  rememberLaunch(id, undefined)
  const work = operationId === undefined ? call('vms.stop', { id }) : cancelOperation(operationId)
  void orToast(`The launch of ${name} could not be cancelled`, work)
}

/** Remembers which operation is a machine's launch; undefined forgets it. */
export function rememberLaunch(id: string, operationId: string | undefined): void {
  useActionState.setState(({ launches }) => {
    const { [id]: _, ...others } = launches
    return { launches: operationId === undefined ? others : { ...others, [id]: operationId } }
  })
}

export function askDelete(id: string | undefined): void {
  useActionState.setState({ deleting: id })
}

export function removeVm(vm: VmView): void {
  askDelete(undefined)
  void orToast(`${vm.spec.name} was not deleted`, call('vms.remove', { id: vm.id }))
}

/** Sets the forwards of a machine; resolves to whether it worked, a failure is also a toast. */
export function setPorts(vm: VmView, ports: readonly PortForward[]): Promise<boolean> {
  return orToast(
    `The ports of ${vm.spec.name} are as they were`,
    call('vms.setPorts', { id: vm.id, ports: [...ports] }),
  )
}

/** The action of a single key in the table; undefined if the key means nothing for this machine now. */
export function actionForKey(key: string, vm: VmView): VmAction | undefined {
  const up = isUp(vm.state.status)
  const wanted: Partial<Record<string, VmAction>> = {
    s: up ? 'stop' : 'start',
    r: 'restart',
    t: 'shell',
    delete: 'delete',
    backspace: 'delete',
  }
  const action = wanted[key.toLowerCase()]
  return action !== undefined && actionsFor(vm).includes(action) ? action : undefined
}
