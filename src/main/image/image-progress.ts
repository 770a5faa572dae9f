// SPDX-License-Identifier: Apache-2.0
// How far an image's layers are and how fast they come, told ten times a second while that changes.
import type { LayerProgress, OnProgress } from '../../contract/images'
import type { ContentLayer } from './image-content'

const TELL_EVERY_MS = 100
/** A speed is that of this long: shorter jumps, longer lags. */
const SPEED_OVER_MS = 3000

interface Sample {
  readonly at: number
  readonly bytes: number
}

export class ImageProgress {
  readonly #message: string
  readonly #tell: OnProgress | undefined
  readonly #layers: LayerProgress[]
  readonly #samples: Sample[][]
  readonly #timer: NodeJS.Timeout | undefined
  readonly #now: () => number
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
    this.#now = now
    this.#layers = layers.map(({ diffId, blobSize }) => ({
      diffIdOrDigest: diffId,
      state: 'waiting',
      bytes: 0,
      total: blobSize,
    }))
    this.#samples = layers.map(() => [])
    if (tell) this.#timer = setInterval(() => this.#tick(), TELL_EVERY_MS).unref()
  }

  /** @param bytes of the blob read so far */
  read(index: number, bytes: number, source: ContentLayer['source']): void {
    const isComing = source.kind === 'registry' && bytes < source.size
    this.#set(index, isComing ? 'downloading' : 'unpacking', bytes)
    this.#samples[index]!.push({ at: this.#now(), bytes })
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
    if (state !== 'downloading') return {}
    const samples = this.#samples[index]!
    const since = this.#now() - SPEED_OVER_MS
    while (samples[1] !== undefined && samples[1].at <= since) samples.shift()
    const [first, last] = [samples[0], samples.at(-1)]
    if (!first || !last) return {}
    const seconds = (this.#now() - Math.max(first.at, since)) / 1000
    return seconds < TELL_EVERY_MS / 1000
      ? {}
      : { bytesPerSecond: Math.round((last.bytes - first.bytes) / seconds) }
  }

  #set(index: number, state: LayerProgress['state'], bytes: number): void {
    this.#layers[index] = { ...this.#layers[index]!, state, bytes }
    this.#isNews = true
  }
}
