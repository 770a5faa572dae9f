// SPDX-License-Identifier: Apache-2.0
// From a spec to a machine on screen: creates and starts it, shows its page, and opens a shell as
// soon as it runs.
import { call } from '../../api/client'
import type { VmSpecInput } from '../../../contract/vm-spec'
import { openMachine } from '../../app/route'
import { toastError } from '../../ui/toast-store'
import { openShell } from '../terminal/terminal-store'
import { rememberLaunch } from './vm-actions'
import { putVm, useVms } from './vm-store'

/** Machines whose shell opens by itself when they run. */
const awaited = new Set<string>()

/** Resolves when the machine exists and its page shows; throws if it was refused. */
export async function launch(spec: VmSpecInput): Promise<void> {
  const operationId = crypto.randomUUID()
  const vm = await call('vms.launch', { spec, operationId })
  rememberLaunch(vm.id, operationId)
  awaited.add(vm.id)
  // Its own events may have come first and know more.
  if (useVms.getState().byId[vm.id] === undefined) putVm(vm)
  openMachine(vm.id)
}

/** Launches an image with everything as usual; a failure becomes a toast. */
export async function launchImage(image: string): Promise<void> {
  try {
    await launch({ name: await call('vms.suggestName'), image })
  } catch (error) {
    toastError(`${image} was not launched`, error)
  }
}

/** Starts watching launches; called once, at start. */
export function followLaunches(): void {
  useVms.subscribe(({ byId }) => {
    for (const id of awaited) {
      const status = byId[id]?.state.status
      if (status === 'starting') continue
      // A new machine is 'stopped' for the moment until its start begins.
      if (status === 'stopped' && byId[id]?.state.stoppedAt === undefined) continue
      awaited.delete(id)
      rememberLaunch(id, undefined)
      if (status === 'running') openShell(id)
    }
  })
}
