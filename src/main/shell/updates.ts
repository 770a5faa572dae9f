// SPDX-License-Identifier: Apache-2.0
// New versions of the app: looks for them, has them fetched, installs one when the user says so, never by itself. Machines
// go on running through an update, as through any end of the app; still, it is not begun over their heads: while any is
// up, the user is asked first. Knows electron-updater only by its face (Updater).
import { MicrovmError } from '../../contract/errors'
import type { InstallAnswer, UpdateState } from '../../contract/updates'
import type { Logger } from '../lib/logger'

/** What is used of electron-updater (load-updater.ts). */
export interface Updater {
  /** null: this installation cannot be updated by itself. `downloadPromise` is there if there is a newer version. */
  checkForUpdates(): Promise<{
    readonly isUpdateAvailable: boolean
    readonly updateInfo: { readonly version: string }
    readonly downloadPromise?: Promise<unknown> | null
  } | null>
  /** Percent of the version that is being fetched. */
  onProgress(listener: (percent: number) => void): void
  onError(listener: (error: Error) => void): void
  /** Installs what was fetched, ends the app, starts the new one; `onError` hears what fails. */
  quitAndInstall(): void
}

export interface UpdatesDeps {
  /** Why there are none to look for; undefined if there may be. */
  readonly off: string | undefined
  /** Called when it is first needed. */
  load(): Promise<Updater>
  /** Machines that are up, or on their way up or down. */
  countRunning(): Promise<number>
  changed(state: UpdateState): void
  readonly logger: Logger
}

const FIRST_CHECK_MS = 60_000
const CHECK_INTERVAL_MS = 6 * 60 * 60_000

export class Updates {
  readonly #deps: UpdatesDeps
  #updater: Promise<Updater> | undefined
  #state: UpdateState

  constructor(deps: UpdatesDeps) {
    this.#deps = deps
    this.#state = deps.off === undefined ? { status: 'unknown' } : { status: 'off', why: deps.off }
  }

  get state(): UpdateState {
    return this.#state
  }

  /** Looks a minute after the start, then every six hours. Returns the function that ends it. */
  watch(): () => void {
    if (this.#state.status === 'off') return () => undefined
    const first = setTimeout(() => void this.check(), FIRST_CHECK_MS)
    const again = setInterval(() => void this.check(), CHECK_INTERVAL_MS)
    return () => {
      clearTimeout(first)
      clearInterval(again)
    }
  }

  /** Looks for a newer version and fetches it. Ends when that is done; never throws, the state says what failed. */
  async check(): Promise<void> {
    if (['off', 'checking', 'downloading', 'ready'].includes(this.#state.status)) return
    this.#set({ status: 'checking' })
    try {
      const updater = await this.#load()
      const found = await updater.checkForUpdates()
      if (found === null) {
        this.#set({ status: 'off', why: 'This copy of the app cannot replace itself.' })
      } else if (!found.isUpdateAvailable) {
        this.#set({ status: 'newest' })
      } else {
        const { version } = found.updateInfo
        this.#set({ status: 'downloading', version, part: 0 })
        await found.downloadPromise
        this.#set({ status: 'ready', version })
      }
    } catch (error) {
      this.#fail('look for a new version', error)
    }
  }

  /**
   * Installs the version that is ready; the app ends.
   * @param confirmed the user knows that machines are running
   * @throws CONFLICT if none is ready
   */
  async install(confirmed: boolean): Promise<InstallAnswer> {
    if (this.#state.status !== 'ready')
      throw new MicrovmError('CONFLICT', 'there is no new version to install')
    const running = await this.#deps.countRunning()
    if (running > 0 && !confirmed) return { answer: 'ask', running }
    this.#deps.logger.info('installing', { version: this.#state.version, running })
    const updater = await this.#load()
    updater.quitAndInstall()
    return { answer: 'installing' }
  }

  /** Loaded anew after a failure. */
  async #load(): Promise<Updater> {
    this.#updater ??= this.#deps.load().then((updater) => {
      updater.onProgress((percent) => {
        if (this.#state.status === 'downloading')
          this.#set({ ...this.#state, part: Math.min(1, Math.max(0, percent / 100)) })
      })
      updater.onError((error) => {
        // A check says by itself what failed.
        if (this.#state.status === 'ready') this.#fail('install the new version', error)
      })
      return updater
    })
    try {
      return await this.#updater
    } catch (error) {
      this.#updater = undefined
      throw error
    }
  }

  #fail(what: string, cause: unknown): void {
    const error = MicrovmError.inContext(what, cause)
    this.#deps.logger.warn('update failed', { error })
    this.#set({ status: 'failed', error: error.toWire() })
  }

  #set(state: UpdateState): void {
    this.#state = state
    this.#deps.changed(state)
  }
}
