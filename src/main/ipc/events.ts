// SPDX-License-Identifier: Apache-2.0
// What the app tells the window without being asked. While no window is open, events go nowhere:
// a new window asks for everything when it loads.
import type { IpcEvent, IpcEvents } from '../../contract/ipc'
import type { Machines } from '../engine'
import { LatestThrottle } from './latest-throttle'

export type SendEvent = <E extends IpcEvent>(event: E, payload: IpcEvents[E]) => void

/** A busy machine (stats, a launch's progress) changes often; the window hears of each at most this often. */
const CHANGE_INTERVAL_MS = 100

/** Passes machine changes on, at most ten a second per machine. Returns the function that ends it. */
export function forwardMachineEvents(
  machines: Pick<Machines, 'subscribe'>,
  send: SendEvent,
): () => void {
  const changes = new LatestThrottle<IpcEvents['vm.changed']>(CHANGE_INTERVAL_MS, (_id, vm) =>
    send('vm.changed', vm),
  )
  return machines.subscribe((event) => {
    if (event.type === 'changed') {
      changes.push(event.vm.id, event.vm)
      return
    }
    changes.drop(event.id)
    send('vm.removed', { id: event.id })
  })
}
