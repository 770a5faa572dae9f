// SPDX-License-Identifier: Apache-2.0
// How far an image's layers are, told at most ten times a second.
import type { LayerProgress, OnProgress } from '../../contract/images'
import type { ContentLayer } from './image-content'

const TELL_EVERY_MS = 100

export class ImageProgress {
  readonly #message: string
  readonly #tell: OnProgress | undefined
  readonly #layers: LayerProgress[]
  #toldAt = -Infinity

  constructor(message: string, layers: readonly ContentLayer[], tell: OnProgress | undefined) {
    this.#message = message
    this.#tell = tell
    this.#layers = layers.map(({ diffId, blobSize }) => ({
      diffIdOrDigest: diffId,
      state: 'waiting',
      bytes: 0,
      total: blobSize,
    }))
  }

  /** @param bytes of the blob read so far */
  read(index: number, bytes: number, source: ContentLayer['source']): void {
    const isComing = source.kind === 'registry' && bytes < source.size
    this.#set(index, isComing ? 'downloading' : 'unpacking', bytes)
    if (performance.now() - this.#toldAt >= TELL_EVERY_MS) this.tell()
  }

  end(index: number, state: 'done' | 'reused'): void {
    this.#set(index, state, this.#layers[index]!.total)
    this.tell()
  }

  tell(): void {
    this.#toldAt = performance.now()
    const total = this.#layers.reduce((sum, layer) => sum + layer.total, 0)
    const bytes = this.#layers.reduce((sum, layer) => sum + Math.min(layer.bytes, layer.total), 0)
    this.#tell?.({
      stage: 'image',
      message: this.#message,
      fraction: total === 0 ? 1 : bytes / total,
      layers: [...this.#layers],
    })
  }

  #set(index: number, state: LayerProgress['state'], bytes: number): void {
    this.#layers[index] = { ...this.#layers[index]!, state, bytes }
  }
}
