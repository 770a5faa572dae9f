// SPDX-License-Identifier: Apache-2.0
// Entry of a thread that builds one image disk: reads the layers' indexes, puts the tree together,
// writes the disk. For large images this takes seconds that the app's window cannot wait. Gets its
// job as workerData, posts what is to be logged and how it ended. Started by disk-thread.ts.
import { dirname } from 'node:path'
import { parentPort, workerData, type MessagePort } from 'node:worker_threads'
import { MicrovmError, type WireError } from '../../contract/errors'
import { buildFsTree, graftBundle, type LayerContent, type LayerData } from '../image/tree/fs-tree'
import { layerFiles } from '../image/layers/layer-files'
import { readLayerIndex } from '../image/layers/layer-index'
import type { Logger } from '../lib/logger'
import { ensureImageDisk } from '../rootfs/image-disk'

export interface DiskJob {
  readonly disksDir: string
  readonly key: string
  /** Bottom to top. */
  readonly layers: readonly LayerData[]
  /** The guest bundle, put on top of them. */
  readonly bundle: LayerData
}

export type DiskMessage =
  | { readonly kind: 'log'; readonly level: 'info' | 'warn'; readonly text: string; fields: object }
  | { readonly kind: 'done'; readonly descriptorPath: string }
  | { readonly kind: 'failed'; readonly error: WireError }

async function build(port: MessagePort, { disksDir, key, layers, bundle }: DiskJob): Promise<void> {
  const post = (message: DiskMessage): void => port.postMessage(message)
  const cancelling = new AbortController()
  port.on('message', () => cancelling.abort())
  const logTo =
    (level: 'info' | 'warn'): Logger['info'] =>
    (text, fields = {}) =>
      post({ kind: 'log', level, text, fields })
  const logger: Pick<Logger, 'info' | 'warn'> = { info: logTo('info'), warn: logTo('warn') }
  const makeTree = async () => {
    const contents = await Promise.all(layers.map(contentOf))
    return graftBundle(await buildFsTree(contents, cancelling.signal), await contentOf(bundle))
  }
  try {
    const disk = await ensureImageDisk({ disksDir, logger }, makeTree, key, cancelling.signal)
    post({ kind: 'done', descriptorPath: disk.descriptorPath })
  } catch (error) {
    post({ kind: 'failed', error: MicrovmError.from(error).toWire() })
  }
  port.close()
}

async function contentOf(data: LayerData): Promise<LayerContent> {
  const { indexPath } = layerFiles(dirname(data.dataPath), data.diffId)
  const { hasWhiteouts, list } = await readLayerIndex(indexPath)
  return { data, hasWhiteouts, list }
}

if (!parentPort) throw new Error('this is the entry of a thread')
await build(parentPort, workerData as DiskJob)
