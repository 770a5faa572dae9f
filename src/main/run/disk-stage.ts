// SPDX-License-Identifier: Apache-2.0
// Stage `disk`, where the backend has block devices: the image's bootable disk, shared by all its
// machines, and the machine's own disk.
import { createHash } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { MicrovmError } from '../../contract/errors'
import { checkGuestBundle, openGuestBundle } from '../guest/bundle'
import type { LayerData } from '../image/tree/fs-tree'
import type { ImageStore, StoredImage } from '../image/image-store'
import type { Logger } from '../lib/logger'
import { findImageDisk } from '../rootfs/image-disk'
import { createVmDisk, growVmDisk } from '../rootfs/vm-disk'
import { buildDiskOnThread } from './disk-thread'

const MIB = 1024 * 1024
/** Goes up when the same layers and bundle are put together in another way. */
const COMPOSITION_VERSION = 1

export interface DiskDeps {
  readonly images: ImageStore
  readonly disksDir: string
  /** Folder of the guest bundle. */
  readonly guestDir: string
  readonly logger: Logger
}

/**
 * The image's tree with the guest bundle at /.microvm, as a disk.
 * @returns path of the VMDK descriptor
 */
export async function prepareImageDisk(
  deps: DiskDeps,
  image: StoredImage,
  signal: AbortSignal | undefined,
): Promise<string> {
  const { images, disksDir, guestDir, logger } = deps
  const bundle = await takeInBundle(images, guestDir, signal)
  const { layers } = image
  const key = diskKey(
    layers.map(({ diffId }) => diffId),
    bundle.diffId,
  )
  const present = await findImageDisk(disksDir, key)
  if (present !== undefined) return present
  try {
    return await buildDiskOnThread({ disksDir, key, layers, bundle }, logger, signal)
  } catch (error) {
    // The store sets the damaged layer aside and says which one it was.
    if (MicrovmError.from(error).code === 'STATE_CORRUPT') await images.tree(image, signal)
    throw error
  }
}

/** The guest bundle as a layer of the store. @throws DIGEST_MISMATCH */
export async function takeInBundle(
  images: ImageStore,
  guestDir: string,
  signal: AbortSignal | undefined,
): Promise<LayerData> {
  const guest = await openGuestBundle(guestDir)
  const bundle = await images.ensureLayer(guest.tarPath, signal)
  checkGuestBundle(guest, bundle.diffId)
  return bundle
}

/** One disk per content: the same layers under another name, or another config, share it. */
function diskKey(diffIds: readonly string[], bundleDiffId: string): string {
  return createHash('sha256')
    .update(JSON.stringify([COMPOSITION_VERSION, diffIds, bundleDiffId]))
    .digest('hex')
}

/** The machine's own disk: made at its first start, grown when its spec says more by now. */
export async function prepareVmDisk(
  guestDir: string,
  path: string,
  sizeMib: number,
): Promise<void> {
  const present = await stat(path).catch(undefinedIfMissing)
  if (present === undefined) await createVmDisk(join(guestDir, 'vm-disk.ext4'), path, sizeMib)
  else if (present.size < sizeMib * MIB) await growVmDisk(path, sizeMib)
}

function undefinedIfMissing(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
  throw MicrovmError.from(error)
}
