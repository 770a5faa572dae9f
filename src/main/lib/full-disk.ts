// SPDX-License-Identifier: Apache-2.0
// What to tell when the disk is full: where, and how much was needed.
import { MicrovmError } from '../../contract/errors'

/**
 * A full disk's error, told so that one knows how much to free; any other error, and one that has been told
 * already, as it is.
 * @param needed what takes how much: "the layer takes about 5 MiB"
 */
export function explainFullDisk(error: unknown, folder: string, needed: string): unknown {
  if (error instanceof MicrovmError || MicrovmError.from(error).code !== 'DISK_FULL') return error
  return diskFull(folder, needed, error)
}

export function diskFull(folder: string, needed: string, cause?: unknown): MicrovmError {
  return new MicrovmError('DISK_FULL', `no space left in ${folder}: ${needed}`, {
    hint: 'Free some space on that disk, or choose another data directory with MICROVM_DATA_DIR.',
    cause,
  })
}

/** "12 KiB", "3 MiB": rounded up. */
export function roomText(bytes: number): string {
  const kib = Math.ceil(bytes / 1024)
  return kib < 1024 ? `${kib} KiB` : `${Math.ceil(kib / 1024)} MiB`
}
