// SPDX-License-Identifier: Apache-2.0
// Several callers that want the same thing done at the same time share one doing of it. It is
// cancelled only when all of them have cancelled.

export interface SharedCall<P> {
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: P) => void
}

interface Task<T, P> {
  readonly result: Promise<T>
  readonly cancelling: AbortController
  readonly listeners: Set<(progress: P) => void>
  callers: number
}

export class SharedTasks<T, P> {
  readonly #tasks = new Map<string, Task<T, P>>()

  /**
   * The result of `work`, begun now or by an earlier call for the same key that is still under way.
   * @throws what `work` throws; the signal's reason if this caller cancels
   */
  async run(
    key: string,
    work: (signal: AbortSignal, report: (progress: P) => void) => Promise<T>,
    { signal, onProgress }: SharedCall<P>,
  ): Promise<T> {
    signal?.throwIfAborted()
    const task = this.#tasks.get(key) ?? this.#begin(key, work)
    task.callers++
    if (onProgress) task.listeners.add(onProgress)
    let cancel: (() => void) | undefined
    try {
      if (!signal) return await task.result
      const cancelled = new Promise<never>((_, reject) => {
        cancel = () => reject(signal.reason as Error)
        signal.addEventListener('abort', cancel, { once: true })
      })
      return await Promise.race([task.result, cancelled])
    } finally {
      if (cancel) signal?.removeEventListener('abort', cancel)
      if (onProgress) task.listeners.delete(onProgress)
      task.callers--
      if (task.callers === 0 && this.#tasks.get(key) === task) await this.#abandon(key, task)
    }
  }

  #begin(
    key: string,
    work: (signal: AbortSignal, report: (progress: P) => void) => Promise<T>,
  ): Task<T, P> {
    const cancelling = new AbortController()
    const listeners = new Set<(progress: P) => void>()
    const report = (progress: P): void => listeners.forEach((listener) => listener(progress))
    const result = work(cancelling.signal, report)
    const task = { result, cancelling, listeners, callers: 0 }
    this.#tasks.set(key, task)
    const forget = (): void => {
      if (this.#tasks.get(key) === task) this.#tasks.delete(key)
    }
    result.then(forget, forget)
    return task
  }

  /** Waits for the work to have cleaned up after itself. A newcomer meanwhile starts anew. */
  async #abandon(key: string, task: Task<T, P>): Promise<void> {
    this.#tasks.delete(key)
    task.cancelling.abort()
    await task.result.catch(() => undefined)
  }
}
