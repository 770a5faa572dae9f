// SPDX-License-Identifier: Apache-2.0
// Part of stage `disk`: the files behind a machine's extra disks. A file of the host is used where it lies. A download
// comes from the store of disk images; what is to be written gets a copy of it in the machine's folder, made at
// its first start, kept from then on, and deleted with the machine.
import { chmod, mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { MicrovmError } from '../../contract/errors'
import type { OnProgress } from '../../contract/images'
import { isDiskUrl, type DiskSpec } from '../../contract/vm-spec'
import { cloneFile } from '../rootfs/vm-disk'
import type { DiskFile } from './disks'

/** The store of downloaded disks. */
export interface DiskDownloads {
  /** The raw disk behind an address, downloaded if need be; nobody writes to it. */
  ensure(
    url: string,
    options: {
      readonly sha256?: string | undefined
      readonly onProgress?: OnProgress | undefined
      readonly signal?: AbortSignal | undefined
    },
  ): Promise<DiskFile>
}

export interface DiskFilesDeps {
  readonly images: DiskDownloads
  /** Folder of the machine's own copies. */
  readonly copiesDir: string
}

/**
 * One file for each disk, in order.
 * @throws whatever getting a download throws; DISK_FULL, NOT_FOUND, each naming its disk
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
    try {
      files.push(await prepareFile(deps, disk, index, options))
    } catch (error) {
      throw MicrovmError.inContext(`disk ${disk.source}`, error)
    }
  }
  return files
}

async function prepareFile(
  { images, copiesDir }: DiskFilesDeps,
  { source, sha256, readOnly }: DiskSpec,
  index: number,
  { onProgress, signal }: Parameters<typeof prepareDiskFiles>[2],
): Promise<DiskFile> {
  if (!isDiskUrl(source)) return { path: source, sizeBytes: await fileSize(source) }
  const copy = join(copiesDir, `${index}.img`)
  const present = readOnly ? undefined : await stat(copy).catch(undefinedIfMissing)
  if (present !== undefined) return { path: copy, sizeBytes: present.size }
  const { path, sizeBytes } = await images.ensure(source, { sha256, onProgress, signal })
  if (readOnly) return { path, sizeBytes }
  onProgress?.({ stage: 'disk', message: `Copying ${source} for the machine` })
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
