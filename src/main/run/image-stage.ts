// SPDX-License-Identifier: Apache-2.0
// Stage `image`: the exact image a machine runs, present in the store.
import { MicrovmError } from '../../contract/errors'
import type { ImageStore, StoredImage } from '../image/image-store'
import type { PinnedImage, VmRecord } from '../state/vm-record'
import type { LaunchOptions } from './launch-options'

/**
 * At the first start whatever the reference means now, pulled if need be; from then on the very same
 * content, since the machine's disk holds changes over it.
 * @throws the store's errors; CONFLICT when the reference has moved on and the old image is gone
 */
export async function obtainImage(
  images: ImageStore,
  record: Pick<VmRecord, 'spec' | 'image'>,
  { onProgress, signal }: Pick<LaunchOptions, 'onProgress' | 'signal'>,
): Promise<StoredImage> {
  const reference = record.spec.image
  const pinned = record.image
  if (pinned === undefined) {
    return await images.ensure(reference, {
      ...(onProgress === undefined ? {} : { onProgress }),
      ...(signal === undefined ? {} : { signal }),
    })
  }
  const found = await images.find(pinned.digest)
  if (found !== undefined) return found
  throw new MicrovmError(
    'CONFLICT',
    `the image ${reference} this machine was made from (${pinned.digest}) is not here any more`,
    { hint: 'Make a new machine from the present image, or import the old one again.' },
  )
}

export function pin({ view, layers }: StoredImage): PinnedImage {
  const { entrypoint, cmd, env, exposedPorts, ...rest } = view.config
  return {
    digest: view.digest,
    diffIds: layers.map(({ diffId }) => diffId),
    config: {
      ...rest,
      entrypoint: [...entrypoint],
      cmd: [...cmd],
      env: [...env],
      exposedPorts: [...exposedPorts],
    },
  }
}
