// SPDX-License-Identifier: Apache-2.0
// What is, as the runner sees it: one value, told to listeners at once and written to state.json as
// soon as the disk allows. Writes never overlap and the last one wins; a failed write is tried again.
import { writeFileAtomic } from '../../src/main/lib/atomic-file'
import type { Logger } from '../../src/main/lib/logger'
import type { VmState } from '../../src/contract/vm-state'

const RETRY_MS = 5000

/** A field set to undefined is removed. */
export type StateChange = { [K in keyof VmState]?: VmState[K] | undefined }

export class StateFile {
  readonly #path: string
  readonly #logger: Logger
  readonly #listeners = new Set<(state: VmState) => void>()
  #state: VmState
  #written: VmState | undefined
  #writing: Promise<void> | undefined
  #retry: NodeJS.Timeout | undefined

  constructor(path: string, initial: VmState, logger: Logger) {
    this.#path = path
    this.#state = initial
    this.#logger = logger
  }

  get state(): VmState {
    return this.#state
  }

  update(change: StateChange): void {
    const merged = Object.entries({ ...this.#state, ...change })
    this.#state = Object.fromEntries(merged.filter(([, value]) => value !== undefined)) as VmState
    for (const listener of this.#listeners) listener(this.#state)
    void this.flush()
  }

  onChange(listener: (state: VmState) => void): void {
    this.#listeners.add(listener)
  }

  /** Resolves when the present state is on disk, or could not be written. */
  flush(): Promise<void> {
    if (this.#written === this.#state) return this.#writing ?? Promise.resolve()
    this.#writing ??= this.#writeAll()
    return this.#writing
  }

  async #writeAll(): Promise<void> {
    clearTimeout(this.#retry)
    // Always awaits at least once before it ends: `flush` has assigned #writing by then.
    while (this.#written !== this.#state) {
      const state = this.#state
      try {
        await writeFileAtomic(this.#path, `${JSON.stringify(state, null, 2)}\n`)
        this.#written = state
      } catch (error) {
        this.#logger.error('state.json cannot be written', { error })
        this.#retry = setTimeout(() => void this.flush(), RETRY_MS).unref()
        break
      }
    }
    this.#writing = undefined
  }
}
