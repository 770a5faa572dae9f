// SPDX-License-Identifier: Apache-2.0
// How far an image's layers are and how fast they come, told ten times a second while that changes.
import type { LayerProgress, OnProgress } from '../../contract/images'
import type { ContentLayer } from './image-content'
import { TransferSpeed } from './transfer-speed'

const TELL_EVERY_MS = 100

export class ImageProgress {
  readonly #message: string
  readonly #tell: OnProgress | undefined
  readonly #layers: LayerProgress[]
  readonly #speeds: readonly TransferSpeed[]
  readonly #timer: NodeJS.Timeout | undefined
  #isNews = false
  #wasMoving = false

  /** To be closed. @param now milliseconds, given by tests */
  constructor(
    message: string,
    layers: readonly ContentLayer[],
    tell: OnProgress | undefined,
    now = () => performance.now(),
  ) {
    this.#message = message
    this.#tell = tell
    this.#layers = layers.map(({ diffId, blobSize }) => ({
      diffIdOrDigest: diffId,
      state: 'waiting',
      bytes: 0,
      total: blobSize,
    }))
    this.#speeds = layers.map(() => new TransferSpeed(now))
    if (tell) this.#timer = setInterval(() => this.#tick(), TELL_EVERY_MS).unref()
  }

  /** @param bytes of the blob read so far */
  read(index: number, bytes: number, source: ContentLayer['source']): void {
    const isComing = source.kind === 'registry' && bytes < source.size
    this.#set(index, isComing ? 'downloading' : 'unpacking', bytes)
    this.#speeds[index]!.come(bytes)
  }

  end(index: number, state: 'done' | 'reused'): void {
    this.#set(index, state, this.#layers[index]!.total)
    this.tell()
  }

  tell(): void {
    this.#isNews = false
    const total = this.#layers.reduce((sum, layer) => sum + layer.total, 0)
    const bytes = this.#layers.reduce((sum, layer) => sum + Math.min(layer.bytes, layer.total), 0)
    this.#tell?.({
      stage: 'image',
      message: this.#message,
      fraction: total === 0 ? 1 : bytes / total,
      layers: this.#layers.map((layer, index) => ({ ...layer, ...this.#speedOf(layer, index) })),
    })
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #tick(): void {
    const isMoving = this.#layers.some((layer, index) => this.#speedOf(layer, index).bytesPerSecond)
    // That it has come to a stand is news, too.
    if (this.#isNews || isMoving || this.#wasMoving) this.tell()
    this.#wasMoving = isMoving
  }

  #speedOf({ state }: LayerProgress, index: number): { bytesPerSecond?: number } {
    const bytesPerSecond = this.#speeds[index]!.perSecond()
    return state !== 'downloading' || bytesPerSecond === undefined ? {} : { bytesPerSecond }
  }

  #set(index: number, state: LayerProgress['state'], bytes: number): void {
    this.#layers[index] = { ...this.#layers[index]!, state, bytes }
    this.#isNews = true
  }
}
