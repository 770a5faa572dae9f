// SPDX-License-Identifier: Apache-2.0
// Part of stage `disk`: the files behind a machine's extra disks. A file of the host is used where it lies. A download
// comes from the store of disk images; what is to be written gets a copy of it in the machine's folder, made at
// its first start, kept from then on, and deleted with the machine.
import { chmod, constants, mkdir, open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { MicrovmError } from '../../contract/errors'
import type { OnProgress, Progress } from '../../contract/images'
import { isDiskUrl, type DiskSpec } from '../../contract/vm-spec'
import { compressionKind } from '../image/compression/compression-kind'
import { FORMAT_HEAD_BYTES, refuseOtherFormats, refuseOtherTails } from '../image/disk/disk-format'
import type { DiskImages } from '../image/disk/disk-images'
import { cloneFile } from '../rootfs/vm-disk'
import type { DiskFile } from './disks'

export interface DiskFilesDeps {
  readonly images: Pick<DiskImages, 'ensure'>
  /** Folder of the machine's own copies. */
  readonly copiesDir: string
}

/**
 * One file for each disk, in order.
 * @throws whatever getting a download throws; DISK_FULL
 */
export async function prepareDiskFiles(
  deps: DiskFilesDeps,
  disks: readonly DiskSpec[],
  options: {
    readonly onProgress?: OnProgress | undefined
    readonly signal?: AbortSignal | undefined
  },
): Promise<DiskFile[]> {
  const files: DiskFile[] = []
  // One after the other: each is a long read or write of the same disk, and its progress is one line.
  for (const [index, disk] of disks.entries()) {
    files.push(await prepareFile(deps, disk, index, options))
  }
  return files
}

/**
 * Whether the host's files among them are raw disks; downloads have been looked at when they came.
 * @throws IMAGE_INVALID naming a file that is of another format, or compressed
 */
export async function requireRawFiles(disks: readonly DiskSpec[]): Promise<void> {
  for (const { source } of disks) {
    if (isDiskUrl(source)) continue
    try {
      await requireRaw(source)
    } catch (error) {
      throw MicrovmError.inContext(`the disk ${source}`, error)
    }
  }
}

async function requireRaw(path: string): Promise<void> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const { size } = await file.stat()
    const at = async (position: number): Promise<Buffer> => {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(FORMAT_HEAD_BYTES), { position })
      return buffer.subarray(0, bytesRead)
    }
    const head = await at(0)
    const kind = compressionKind(head)
    if (kind !== undefined)
      throw new MicrovmError('IMAGE_INVALID', `it is compressed with ${kind}, not a raw disk`, {
        hint: 'Decompress it first.',
      })
    refuseOtherFormats(head)
    refuseOtherTails(await at(Math.max(0, size - FORMAT_HEAD_BYTES)))
  } finally {
    await file.close()
  }
}

async function prepareFile(
  { images, copiesDir }: DiskFilesDeps,
  { source, sha256, readOnly }: DiskSpec,
  index: number,
  { onProgress, signal }: Parameters<typeof prepareDiskFiles>[2],
): Promise<DiskFile> {
  const report = (progress: Progress): void => onProgress?.({ ...progress, stage: 'disk' })
  if (!isDiskUrl(source)) return { path: source, sizeBytes: await fileSize(source) }
  const copy = join(copiesDir, `${index}.img`)
  const present = readOnly ? undefined : await stat(copy).catch(undefinedIfMissing)
  if (present !== undefined) return { path: copy, sizeBytes: present.size }
  const { path, sizeBytes } = await images.ensure(source, { sha256, onProgress: report, signal })
  if (readOnly) return { path, sizeBytes }
  report({ stage: 'disk', message: `Copying disk ${index} for the machine` })
  await mkdir(copiesDir, { recursive: true, mode: 0o700 })
  await cloneFile(path, copy, signal === undefined ? {} : { signal })
  await chmod(copy, 0o600)
  return { path: copy, sizeBytes }
}

const fileSize = async (path: string): Promise<number> => (await stat(path)).size

function undefinedIfMissing(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
  throw MicrovmError.from(error)
}
