// SPDX-License-Identifier: Apache-2.0
import { stat } from 'node:fs/promises'
import { MicrovmError } from '../../../contract/errors'
import { diskFull, roomText } from '../../lib/full-disk'
import type { DiskJobProgress } from './fetch-disk'

/**
 * Says how much room is needed, as far as the part that found room tells.
 * @param files where the download and the raw disk were being written: they tell better what found room than
 *   `reached`, which is told only now and then
 * @returns any other error as it is
 */
export async function withRoomNeeded(
  error: unknown,
  folder: string,
  files: { readonly download: string; readonly unpacked: string },
  reached: DiskJobProgress | undefined,
): Promise<unknown> {
  if (MicrovmError.from(error).code !== 'DISK_FULL' || !reached) return error
  const { step, bytes, total } = reached
  const written = await blocksOf(step === 'unpacking' ? files.unpacked : files.download)
  const whole = step === 'unpacking' ? (written / Math.max(bytes, 1)) * total : total
  const what = step === 'unpacking' ? 'the unpacked disk' : 'the download'
  // Decoders read ahead: near the end of the file its share says too little.
  const needed =
    whole > written * 1.1
      ? `takes about ${roomText(whole)}, of which ${roomText(written)} found room`
      : `takes more than the ${roomText(written)} that found room`
  return diskFull(folder, `${what} ${needed}`, error)
}

/** What a file takes, without holes. */
const blocksOf = (path: string): Promise<number> =>
  stat(path).then(
    ({ blocks }) => blocks * 512,
    () => 0,
  )
