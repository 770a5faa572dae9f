// SPDX-License-Identifier: Apache-2.0
// Calls about machines. What a machine is doing reaches the window as `vm.changed`, not as results.
import { isDiskUrl } from '../../contract/vm-spec'
import type { Engine } from '../engine'
import type { Logger } from '../lib/logger'
import type { SendEvent } from './events'
import type { IpcHandlers } from './handle'
import type { Operations } from './operations'
import type { PathGrants } from './path-grants'

export interface VmsDeps {
  engine(): Promise<Pick<Engine, 'machines'>>
  readonly operations: Operations
  readonly send: SendEvent
  readonly folders: PathGrants
  readonly disks: PathGrants
  readonly logger: Logger
}

type VmsHandlers = Pick<IpcHandlers, Extract<keyof IpcHandlers, `vms.${string}`>>

export function vmsHandlers(deps: VmsDeps): VmsHandlers {
  const machines = async (): Promise<Engine['machines']> => (await deps.engine()).machines
  return {
    'vms.list': async () => (await machines()).list(),
    'vms.suggestName': async () => (await machines()).suggestName(),
    'vms.launch': async ({ spec, operationId }) => {
      deps.folders.require(spec.mounts.map(({ hostPath }) => hostPath))
      const sources = spec.disks.map(({ source }) => source)
      deps.disks.require(sources.filter((source) => !isDiskUrl(source)))
      const all = await machines()
      const vm = await all.create(spec)
      // The boot goes on after this call has answered; how it ends is in the machine's state.
      void deps.operations
        .run(operationId, (context) => all.start(vm.id, context))
        .catch((error: unknown) => {
          deps.logger.warn('launch failed', { vm: vm.id, error: String(error) })
        })
        // It may have pulled an image.
        .finally(() => deps.send('images.changed', null))
      return vm
    },
    'vms.start': async ({ id }) => void (await (await machines()).start(id)),
    'vms.stop': async ({ id, force }) => void (await (await machines()).stop(id, { force })),
    'vms.restart': async ({ id }) => void (await (await machines()).restart(id)),
    'vms.resume': async ({ id }) => void (await (await machines()).resume(id)),
    'vms.remove': async ({ id }) => (await machines()).remove(id),
    'vms.setPorts': async ({ id, ports }) => void (await (await machines()).setPorts(id, ports)),
  }
}
