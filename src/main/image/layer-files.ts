// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path'
import { hexOf } from './digest'

/** The two files that are a layer in the store's folder of layers. */
export function layerFiles(
  folder: string,
  diffId: string,
): { readonly dataPath: string; readonly indexPath: string } {
  const base = join(folder, hexOf(diffId))
  return { dataPath: `${base}.data`, indexPath: `${base}.index` }
}
