// SPDX-License-Identifier: Apache-2.0
// How far a disk image is, in words and numbers; also while nothing comes, so that one sees it.
import type { OnProgress } from '../../../contract/images'
import { TransferSpeed } from '../transfer-speed'
import type { DiskJobProgress } from './fetch-disk'

const TELL_EVERY_MS = 250
const verbs = { downloading: 'Downloading', checking: 'Checking', unpacking: 'Unpacking' } as const

export class DiskProgress {
  readonly #name: string
  readonly #tell: OnProgress
  readonly #speed: TransferSpeed
  readonly #timer: NodeJS.Timeout
  #last: DiskJobProgress | undefined

  /** To be closed. @param name of the image, for people */
  constructor(name: string, tell: OnProgress, now = () => performance.now()) {
    this.#name = name
    this.#tell = tell
    this.#speed = new TransferSpeed(now)
    this.#timer = setInterval(() => this.#repeat(), TELL_EVERY_MS).unref()
  }

  readonly at = (progress: DiskJobProgress): void => {
    this.#last = progress
    const { step, bytes, total } = progress
    if (step === 'downloading') this.#speed.come(bytes)
    const bytesPerSecond = step === 'downloading' ? this.#speed.perSecond() : undefined
    this.#tell({
      stage: 'image',
      message: `${verbs[step]} ${this.#name}`,
      ...(total === 0 ? {} : { fraction: Math.min(bytes / total, 1) }),
      transfer: { bytes, total, ...(bytesPerSecond === undefined ? {} : { bytesPerSecond }) },
    })
  }

  /** Another process brings it. */
  waiting(bytes: number): void {
    this.#tell({
      stage: 'image',
      message: `Waiting for another download of ${this.#name}`,
      transfer: { bytes, total: 0 },
    })
  }

  /** What it was brought as far as. */
  get last(): DiskJobProgress | undefined {
    return this.#last
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #repeat(): void {
    if (this.#last?.step === 'downloading') this.at(this.#last)
  }
}
