// SPDX-License-Identifier: Apache-2.0
// The serial log of a machine, followed while the window shows it. A guest that prints as fast as it
// can is drawn in bursts, and of a burst only the end.
import type { Engine } from '../engine'
import type { SendEvent } from './events'
import type { IpcHandlers } from './handle'

/** Characters of past output the window starts with, and the most one event carries. */
const TAIL = 256 * 1024
const INTERVAL_MS = 50

export interface ConsoleDeps {
  engine(): Promise<Pick<Engine, 'machines'>>
  readonly send: SendEvent
}

export interface Consoles {
  readonly handlers: Pick<IpcHandlers, 'console.follow' | 'console.unfollow'>
  /** The window is gone. */
  unfollowAll(): void
}

export function createConsoles(deps: ConsoleDeps): Consoles {
  const followed = new Map<string, () => void>()
  const unfollow = (id: string): void => {
    followed.get(id)?.()
    followed.delete(id)
  }
  return {
    handlers: {
      'console.follow': async ({ id }) => {
        const { machines } = await deps.engine()
        unfollow(id)
        const batch = createBatch((data) => deps.send('console.data', { id, data }))
        const stop = machines.followConsole(id, batch.add)
        followed.set(id, () => {
          stop()
          batch.discard()
        })
        return machines.readConsole(id, TAIL)
      },
      'console.unfollow': ({ id }) => unfollow(id),
    },
    unfollowAll: () => [...followed.keys()].forEach(unfollow),
  }
}

/** Collects text and emits it once per interval; keeps the last TAIL characters if more has come. */
function createBatch(emit: (text: string) => void): {
  add(text: string): void
  discard(): void
} {
  let waiting = ''
  let timer: NodeJS.Timeout | undefined
  return {
    add(text) {
      waiting = (waiting + text).slice(-TAIL)
      timer ??= setTimeout(() => {
        timer = undefined
        const ready = waiting
        waiting = ''
        emit(ready)
      }, INTERVAL_MS)
    },
    discard: () => clearTimeout(timer),
  }
}
