// SPDX-License-Identifier: Apache-2.0
// One machine as this process sees it: its files, and its runner while there is one.
//
// Always: while a runner is connected, its word counts; else state.json does, corrected if the
// process it names is dead. Whoever started the machine, the view is the same.
// Not here: what one can do with a machine (lifecycle.ts).
import { setTimeout as sleep } from 'node:timers/promises'
import { vmSpecSchema } from '../../contract/vm-spec'
import { MicrovmError } from '../../contract/errors'
import type { VmView } from '../../contract/ipc'
import type { Progress } from '../../contract/images'
import type { VmState, VmStats } from '../../contract/vm-state'
import type { VmHandle } from '../hypervisor/backend'
import type { Logger } from '../lib/logger'
import { isAlive } from '../lib/process-identity'
import { initialState, type VmFiles } from '../state/vm-files'
import type { VmRecord } from '../state/vm-record'
import { correctState, isActive } from './judge-state'

export interface MachineDeps {
  readonly files: VmFiles
  /** undefined: the runner is gone. */
  adopt(id: string, state: VmState): Promise<VmHandle | undefined>
  /** Asks whoever answers at the machine's usual socket; for when state.json cannot tell. */
  askRunner(id: string): Promise<VmState | undefined>
  readonly logger: Logger
  now(): number
}

/** After its connection broke, a runner has this long to end by itself. */
const RUNNER_END_MS = 5000
const POLL_MS = 50
/** Milliseconds between two views that differ in progress only. */
const PROGRESS_INTERVAL_MS = 100

export class Machine {
  readonly id: string
  readonly #deps: MachineDeps
  readonly #onChange: (machine: Machine) => void
  readonly #waiters = new Set<() => void>()
  #record: VmRecord | undefined
  #state: VmState = initialState
  #damaged: MicrovmError | undefined
  #handle: VmHandle | undefined
  #stats: VmStats | undefined
  #progress: Progress | undefined
  #progressAt = 0
  #refreshing: Promise<void> | undefined
  #refreshAgain = false
  #shown = ''
  #gone = false
  /** Set while this process launches it. */
  launch: { readonly cancel: AbortController; readonly ended: Promise<unknown> } | undefined

  constructor(id: string, deps: MachineDeps, onChange: (machine: Machine) => void) {
    this.id = id
    this.#deps = deps
    this.#onChange = onChange
  }

  /** Its folder is there and has, or had, a record. */
  get exists(): boolean {
    return !this.#gone && (this.#record !== undefined || this.#damaged !== undefined)
  }

  get state(): VmState {
    return this.#state
  }

  get handle(): VmHandle | undefined {
    return this.#handle
  }

  /**
   * Files of a newer version may mean what we do not know: such a machine is left alone.
   * @throws STATE_VERSION
   */
  requireKnownVersion(): void {
    if (this.#damaged?.code === 'STATE_VERSION') throw this.#damaged
  }

  /** @throws STATE_CORRUPT, STATE_VERSION, NOT_FOUND */
  get record(): VmRecord {
    if (this.#record !== undefined) return this.#record
    throw this.#damaged ?? new MicrovmError('NOT_FOUND', `there is no machine ${this.id}`)
  }

  /** For a damaged record, whose name nobody knows, its id stands in. */
  get spec(): VmRecord['spec'] {
    return this.#record?.spec ?? vmSpecSchema.parse({ name: this.id, image: 'unknown' })
  }

  view(): VmView {
    return {
      id: this.id,
      spec: this.spec,
      state: this.#state,
      createdAt: this.#record?.createdAt ?? 0,
      ...(this.#record?.image === undefined ? {} : { imageDigest: this.#record.image.digest }),
      ...(this.#damaged === undefined ? {} : { damaged: this.#damaged.toWire() }),
      ...(this.#stats === undefined ? {} : { stats: this.#stats }),
      ...(this.#progress === undefined ? {} : { progress: this.#progress }),
    }
  }

  /** Reads its files again, adopts a runner that is not connected yet, corrects what is not true. */
  async refresh(): Promise<void> {
    if (this.#refreshing !== undefined) {
      this.#refreshAgain = true
      return await this.#refreshing
    }
    this.#refreshing = this.#refreshUntilQuiet().finally(() => (this.#refreshing = undefined))
    await this.#refreshing
  }

  async #refreshUntilQuiet(): Promise<void> {
    do {
      this.#refreshAgain = false
      await this.#readFiles()
    } while (this.#refreshAgain)
    this.changed()
  }

  async #readFiles(): Promise<void> {
    const { files } = this.#deps
    const [record, state] = await Promise.all([files.loadRecord(this.id), files.loadState(this.id)])
    this.#record = record.kind === 'found' ? record.value : undefined
    this.#damaged = record.kind === 'damaged' ? record.error : undefined
    if (this.#handle !== undefined) return
    if (state.kind === 'damaged') this.#damaged ??= state.error
    this.#state =
      state.kind === 'found' ? state.value : await this.#stateWithoutFile(state.kind === 'damaged')
    if (isActive(this.#state.status)) await this.#adoptOrCorrect()
  }

  /** A damaged file is no sign that the machine is off. */
  async #stateWithoutFile(damaged: boolean): Promise<VmState> {
    const told = damaged ? await this.#deps.askRunner(this.id) : undefined
    return told ?? initialState
  }

  async #adoptOrCorrect(): Promise<void> {
    try {
      const handle = await this.#deps.adopt(this.id, this.#state)
      // Meanwhile the launch of this process may have brought its own.
      if (handle !== undefined && this.#handle !== undefined) return handle.client.close()
      if (handle !== undefined) return await this.follow(handle)
    } catch (error) {
      // It lives and does not answer: what the file says is all there is to know.
      this.#deps.logger.warn('a runner does not answer', { id: this.id, error })
      return
    }
    const state = await this.correct()
    // A runner that was connected meanwhile knows better than what was read before.
    if (this.#handle === undefined) this.#state = state
  }

  /** Writes down the end of a runner or launcher that died without a word. */
  async correct(): Promise<VmState> {
    return await this.#deps.files.updateState(this.id, async (state) => {
      const owner = state.runner ?? state.launcher
      return correctState(state, owner !== undefined && (await isAlive(owner)), this.#deps.now())
    })
  }

  /** From now on the runner's word is the machine's state. */
  async follow(handle: VmHandle): Promise<void> {
    const { client } = handle
    this.disconnect()
    this.#handle = handle
    client.onState((state) => this.setState(state))
    client.onStats((stats) => {
      this.#stats = stats
      this.changed()
    })
    client.onClose(() => void this.#afterRunner(handle))
    const state = await client.request('status', {}).catch(() => undefined)
    if (state !== undefined && this.#handle === handle) this.setState(state)
  }

  async #afterRunner(handle: VmHandle): Promise<void> {
    if (this.#handle !== handle) return
    this.#handle = undefined
    this.#stats = undefined
    try {
      await this.#untilEnded(handle)
      await this.refresh()
    } catch (error) {
      this.#deps.logger.warn('a machine could not be read', { id: this.id, error })
    }
  }

  /** A machine that is off may still have its runner tidying up, which a new one must not meet. */
  async runnerEnded(): Promise<void> {
    if (this.#handle !== undefined && !isActive(this.#state.status)) {
      await this.#untilEnded(this.#handle)
      this.disconnect()
    }
  }

  async #untilEnded(handle: VmHandle): Promise<void> {
    const deadline = this.#deps.now() + RUNNER_END_MS
    while (!this.#gone && (await handle.isAlive()) && this.#deps.now() < deadline) {
      await sleep(POLL_MS)
    }
  }

  setState(state: VmState): void {
    this.#state = state
    if (state.status !== 'starting') this.#progress = undefined
    this.changed()
  }

  setRecord(record: VmRecord): void {
    this.#record = record
    this.changed()
  }

  setProgress(progress: Progress | undefined): void {
    const isNewStep =
      progress?.stage !== this.#progress?.stage || progress?.message !== this.#progress?.message
    this.#progress = progress
    if (!isNewStep && this.#deps.now() - this.#progressAt < PROGRESS_INTERVAL_MS) return
    this.#progressAt = this.#deps.now()
    this.changed()
  }

  /** Resolves at the first state that `test` accepts; the present one counts. */
  async until(test: (state: VmState) => boolean, signal?: AbortSignal): Promise<VmState> {
    while (!test(this.#state)) {
      signal?.throwIfAborted()
      if (!this.exists) throw new MicrovmError('NOT_FOUND', `${this.spec.name} has been deleted`)
      // What another process prepares is seen in its files only.
      const followed = this.#handle !== undefined || this.launch !== undefined
      await this.#nextChange(signal, followed ? undefined : POLL_MS)
      if (!followed) await this.refresh()
    }
    return this.#state
  }

  async #nextChange(signal: AbortSignal | undefined, atMost: number | undefined): Promise<void> {
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        clearTimeout(timer)
        this.#waiters.delete(wake)
        signal?.removeEventListener('abort', wake)
        resolve()
      }
      const timer = atMost === undefined ? undefined : setTimeout(wake, atMost)
      this.#waiters.add(wake)
      signal?.addEventListener('abort', wake)
    })
  }

  /** Tells everybody, if there is anything to tell. */
  changed(): void {
    for (const wake of this.#waiters) wake()
    const shown = JSON.stringify(this.view())
    if (shown === this.#shown) return
    this.#shown = shown
    this.#onChange(this)
  }

  /** Its folder is no more. */
  removed(): void {
    this.#gone = true
    this.disconnect()
    for (const wake of this.#waiters) wake()
  }

  disconnect(): void {
    const handle = this.#handle
    this.#handle = undefined
    this.#stats = undefined
    handle?.client.close()
  }
}
