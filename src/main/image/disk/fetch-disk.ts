// SPDX-License-Identifier: Apache-2.0
// The work of bringing a disk image, on a thread of its own: download, compare the checksum, and only
// then unpack. Knows nothing of the store; what it is told to read and write is plain data.
import { createHash } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { MicrovmError } from '../../../contract/errors'
import { downloadDisk, type DownloadJob } from './download-disk'
import { gib, readFile, unpackDisk, type UnpackedDisk } from './unpack-disk'

export type DiskJob =
  | {
      readonly kind: 'fetch'
      /** What to download first. */
      readonly download?: DownloadJob
      /** The file to unpack: where the download goes, or one of the user's. */
      readonly from: string
      /** A new file for the raw disk. */
      readonly to: string
      readonly sha256?: string
      /** Of the packed file as of the raw disk. */
      readonly maxBytes: number
    }
  /** Reads a file to the end for its digest. */
  | { readonly kind: 'verify'; readonly path: string }

export interface DiskJobProgress {
  readonly step: 'downloading' | 'checking' | 'unpacking'
  readonly bytes: number
  /** 0 if unknown. */
  readonly total: number
}

export interface FetchedDisk extends UnpackedDisk {
  /** Of the file as it is published. */
  readonly sha256: string
  readonly packedBytes: number
}

export interface DiskJobOptions {
  readonly signal: AbortSignal
  readonly onProgress?: ((progress: DiskJobProgress) => void) | undefined
}

/** Results by kind of job. */
export interface DiskJobResults {
  readonly fetch: FetchedDisk
  readonly verify: string
}
export type RunDiskJob = <K extends DiskJob['kind']>(
  job: Extract<DiskJob, { kind: K }>,
  options: DiskJobOptions,
) => Promise<DiskJobResults[K]>

/**
 * @throws as `downloadDisk` and `unpackDisk`, DIGEST_MISMATCH
 */
export const runDiskJob = (async (job: DiskJob, options: DiskJobOptions) =>
  job.kind === 'fetch'
    ? await fetchDisk(job, options)
    : `sha256:${await sha256Of(job.path, options)}`) as RunDiskJob

async function fetchDisk(
  { download, from, to, sha256, maxBytes }: Extract<DiskJob, { kind: 'fetch' }>,
  { signal, onProgress }: DiskJobOptions,
): Promise<FetchedDisk> {
  if (download)
    await downloadDisk(download, {
      signal,
      onBytes: (bytes, total) => onProgress?.({ step: 'downloading', bytes, total }),
    })
  const { size: packedBytes } = await stat(from)
  if (packedBytes > maxBytes)
    throw new MicrovmError('IMAGE_TOO_LARGE', `the file has more than ${gib(maxBytes)} GiB`)
  const actual = await sha256Of(from, { signal, onProgress })
  if (sha256 !== undefined && sha256 !== actual)
    throw mismatch(sha256, actual, download !== undefined)
  const unpacked = await unpackDisk(from, to, {
    maxBytes,
    signal,
    onBytes: (bytes) => onProgress?.({ step: 'unpacking', bytes, total: packedBytes }),
  })
  return { ...unpacked, sha256: actual, packedBytes }
}

async function sha256Of(path: string, { signal, onProgress }: DiskJobOptions): Promise<string> {
  const { size: total } = await stat(path)
  const hash = createHash('sha256')
  const onBytes = (bytes: number): void => onProgress?.({ step: 'checking', bytes, total })
  for await (const chunk of readFile(path, { signal, onBytes })) hash.update(chunk)
  return hash.digest('hex')
}

const mismatch = (expected: string, actual: string, isDeleted: boolean): MicrovmError =>
  new MicrovmError(
    'DIGEST_MISMATCH',
    `the file has the checksum ${actual} in place of ${expected}${isDeleted ? '; it has been deleted' : ''}`,
    {
      hint: 'It was damaged on its way, or its publisher has replaced it: compare with the SHA256SUMS beside it.',
    },
  )
