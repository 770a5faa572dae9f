// SPDX-License-Identifier: Apache-2.0
// Long calls that report progress and can be cancelled, each under the id the window chose for it.
import { MicrovmError } from '../../contract/errors'
import type { OnProgress, Progress } from '../../contract/images'
import type { SendEvent } from './events'
import type { IpcHandlers } from './handle'
import { LatestThrottle } from './latest-throttle'

const PROGRESS_INTERVAL_MS = 100
/** More at once than any person starts; a page gone wild stops here. */
const OPERATIONS_MAX = 100

export interface OperationContext {
  readonly signal: AbortSignal
  readonly onProgress: OnProgress
}

export class Operations {
  readonly #running = new Map<string, AbortController>()
  readonly #progress: LatestThrottle<Progress>

  constructor(send: SendEvent) {
    this.#progress = new LatestThrottle(PROGRESS_INTERVAL_MS, (operationId, progress) =>
      send('operation.progress', { operationId, progress }),
    )
  }

  /** Runs `work` until it settles. CONFLICT if the id is in use. */
  async run<T>(operationId: string, work: (context: OperationContext) => Promise<T>): Promise<T> {
    if (this.#running.has(operationId))
      throw new MicrovmError('CONFLICT', 'an operation with this id is already running')
    if (this.#running.size >= OPERATIONS_MAX)
      throw new MicrovmError('CONFLICT', `more than ${OPERATIONS_MAX} operations at once`, {
        hint: 'Wait until some of them are done.',
      })
    const controller = new AbortController()
    this.#running.set(operationId, controller)
    try {
      return await work({
        signal: controller.signal,
        onProgress: (progress) => this.#progress.push(operationId, progress),
      })
    } finally {
      this.#running.delete(operationId)
      this.#progress.flush(operationId)
    }
  }

  /** Asks one to stop. One that has just ended is no error. */
  cancel(operationId: string): void {
    this.#running.get(operationId)?.abort()
  }

  cancelAll(): void {
    for (const controller of this.#running.values()) controller.abort()
  }
}

export function operationHandlers(operations: Operations): Pick<IpcHandlers, 'operations.cancel'> {
  return { 'operations.cancel': ({ operationId }) => operations.cancel(operationId) }
}
