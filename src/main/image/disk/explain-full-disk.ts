// SPDX-License-Identifier: Apache-2.0
import { stat } from 'node:fs/promises'
import { MicrovmError } from '../../../contract/errors'
import type { DiskJobProgress } from './fetch-disk'

/**
 * Says how much room is needed, as far as the part that found room tells.
 * @param unpacked where the raw disk was being written
 * @returns any other error as it is
 */
export async function explainFullDisk(
  error: unknown,
  folder: string,
  unpacked: string,
  reached: DiskJobProgress | undefined,
): Promise<unknown> {
  if (MicrovmError.from(error).code !== 'DISK_FULL' || !reached) return error
  const { step, bytes, total } = reached
  const written = step === 'unpacking' ? await blocksOf(unpacked) : bytes
  const whole = step === 'unpacking' ? (written / Math.max(bytes, 1)) * total : total
  const what = step === 'unpacking' ? 'the unpacked disk' : 'the download'
  const needed = whole > written ? `takes about ${mib(whole)} MiB` : 'takes more than there is'
  return new MicrovmError(
    'DISK_FULL',
    `no space left in ${folder}: ${what} ${needed}, of which ${mib(written)} MiB found room`,
    {
      hint: 'Free some space on that disk, or choose another data directory with MICROVM_DATA_DIR.',
      cause: error,
    },
  )
}

/** What a file takes, without holes. */
const blocksOf = (path: string): Promise<number> =>
  stat(path).then(
    ({ blocks }) => blocks * 512,
    () => 0,
  )

const mib = (bytes: number): number => Math.ceil(bytes / 1024 / 1024)
