// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path'
import { hexOf } from '../digest'

export interface LayerFiles {
  readonly dataPath: string
  readonly indexPath: string
  readonly framePath: string
}

/** The files that are a layer in the store's folder of layers. */
export function layerFiles(folder: string, diffId: string): LayerFiles {
  const base = join(folder, hexOf(diffId))
  return { dataPath: `${base}.data`, indexPath: `${base}.index`, framePath: `${base}.frame` }
}
