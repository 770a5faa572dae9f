// SPDX-License-Identifier: Apache-2.0
// The far side of a browser (browse-service.ts): reads layer indexes, holds the histories of the images asked
// about last, and answers queries one after the other as they come, each cancellable by itself.
import { MicrovmError, type WireError } from '../../../contract/errors'
import { readHistory } from './browse-history'
import {
  browseQueries,
  type BrowseArgs,
  type BrowsedImage,
  type BrowseQuery,
} from './browse-queries'
import type { LayerContent } from '../tree/fs-tree'
import { layerFiles } from '../layers/layer-files'
import { readLayerIndex } from '../layers/layer-index'
import { SharedTasks } from '../shared-tasks'

interface BrowseRequest {
  readonly id: number
  readonly query: BrowseQuery
  /** Those of the query. */
  readonly args: BrowseArgs<BrowseQuery>
  /** Digests of the image's layers, bottom to top: what it is known by here. */
  readonly diffIds: readonly string[]
}
export type BrowseMessage = BrowseRequest | { readonly cancel: number }

export type BrowseReply =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: WireError }

/** The near end of a thread, seen from inside it. */
export interface ServerPort {
  on(event: 'message', listener: (message: BrowseMessage) => void): unknown
  postMessage(reply: BrowseReply): void
}

const IMAGES_KEPT = 2

/** @param folder the store's folder of layers */
export function serveBrowsing(port: ServerPort, folder: string): void {
  const images = new Map<string, BrowsedImage>()
  const loading = new SharedTasks<BrowsedImage, never>()
  const running = new Map<number, AbortController>()

  async function imageOf(diffIds: readonly string[], signal: AbortSignal): Promise<BrowsedImage> {
    const key = diffIds.join(' ')
    const load = (cancelled: AbortSignal): Promise<BrowsedImage> =>
      readImage(folder, diffIds, cancelled)
    const image = images.get(key) ?? (await loading.run(key, load, { signal }))
    images.delete(key)
    images.set(key, image)
    if (images.size > IMAGES_KEPT) images.delete(images.keys().next().value!)
    return image
  }

  async function answer({ id, query, args, diffIds }: BrowseRequest): Promise<BrowseReply> {
    const controller = new AbortController()
    running.set(id, controller)
    try {
      const image = await imageOf(diffIds, controller.signal)
      // The table is typed per query; here it is any of them.
      const ask = browseQueries[query] as (...all: unknown[]) => unknown
      return { id, value: await ask(image, args, controller.signal) }
    } catch (error) {
      return { id, error: MicrovmError.from(error).toWire() }
    } finally {
      running.delete(id)
    }
  }

  port.on('message', (message) => {
    if ('cancel' in message) running.get(message.cancel)?.abort()
    else void answer(message).then((reply) => port.postMessage(reply))
  })
}

async function readImage(
  folder: string,
  diffIds: readonly string[],
  signal: AbortSignal,
): Promise<BrowsedImage> {
  const layers: LayerContent[] = []
  for (const diffId of diffIds) {
    signal.throwIfAborted()
    layers.push(await readLayer(folder, diffId))
  }
  return { history: await readHistory(layers, signal), lists: new Map() }
}

async function readLayer(folder: string, diffId: string): Promise<LayerContent> {
  const { dataPath, indexPath } = layerFiles(folder, diffId)
  try {
    const { dataSize, hasWhiteouts, list } = await readLayerIndex(indexPath)
    return { data: { diffId, dataPath, dataSize }, hasWhiteouts, list }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
      throw MicrovmError.inContext(`layer ${diffId}`, error)
    throw new MicrovmError('NOT_FOUND', `the image's layer ${diffId} is not here`, {
      hint: 'Pull or import the image again.',
    })
  }
}
