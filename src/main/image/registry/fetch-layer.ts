// SPDX-License-Identifier: Apache-2.0
// A layer from a registry, so that no work is done twice: with what an earlier pull has left of its
// blob, once for all processes. What comes of a part left behind or of a mirror may be damaged; then
// the registry itself is asked for all of it, once.
import { join } from 'node:path'
import { MicrovmError } from '../../../contract/errors'
import type { BlobSource } from '../layers/blob-source'
import { emptyPart, PART_SUFFIX, sizeOfPart, withPart, type PartOptions } from './blob-part'
import { hexOf } from '../digest'

type RegistrySource = Extract<BlobSource, { kind: 'registry' }>

/** Both digests name it, since an image may lie about either. */
export function partPath(folder: string, diffId: string, digest: string): string {
  return join(folder, `${hexOf(diffId)}-${hexOf(digest)}${PART_SUFFIX}`)
}

/**
 * @param path of the part, see blob-part.ts
 * @param find whether another process has brought the layer meanwhile
 * @param take reads the blob from a source and stores the layer
 */
export async function fetchLayer<T>(
  source: RegistrySource,
  path: string,
  { find, take }: { find(): Promise<T | undefined>; take(source: RegistrySource): Promise<T> },
  options: PartOptions,
): Promise<T> {
  return withPart(path, options, async () => {
    const found = await find()
    if (found !== undefined) return found
    const { endpoints } = source.access
    const isDoubtful = endpoints.length > 1 || (await sizeOfPart(path)) > 0
    try {
      return await take({ ...source, partPath: path })
    } catch (error) {
      const { code } = MicrovmError.from(error)
      const isDamaged = code === 'DIGEST_MISMATCH' || code === 'IMAGE_INVALID'
      if (!isDoubtful || !isDamaged) throw error
      await emptyPart(path)
      const access = { ...source.access, endpoints: endpoints.slice(-1) }
      return await take({ ...source, access, partPath: path })
    }
  })
}
