// SPDX-License-Identifier: Apache-2.0
import type { FileHandle } from 'node:fs/promises'

/** Writes all of `bytes` at `position`; one write call may stop short, as on a disk that gets full. */
export async function writeFully(
  file: FileHandle,
  bytes: Uint8Array,
  position: number,
): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done)
    done += bytesWritten
  }
}
