// SPDX-License-Identifier: Apache-2.0
// Files of the store that are being written, and those that killed processes have left. Whoever writes
// some holds a shared lock of the kernel meanwhile, which dies with its process: when nobody holds it,
// all that are there are dead. Their names are never used again.
import { randomBytes } from 'node:crypto'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { DataPaths } from '../lib/data-paths'
import { ifLockIsFree, withFileLock } from '../lib/file-lock'

export const TEMP_SUFFIX = '.tmp'

export class TempFiles {
  readonly #paths: Pick<DataPaths['images'], 'layers' | 'writers'>

  constructor(paths: Pick<DataPaths['images'], 'layers' | 'writers'>) {
    this.#paths = paths
  }

  /** A name in the store's folder of layers; to be used, and removed, inside `whileWriting`. */
  newPath(): string {
    return join(this.#paths.layers, `${randomBytes(8).toString('hex')}${TEMP_SUFFIX}`)
  }

  /** Runs `work`, which may write temp files; what the dead have left goes first, as `work` may need the room. */
  async whileWriting<T>(work: () => Promise<T>): Promise<T> {
    for (const path of await this.dead()) await rm(path, { force: true })
    return withFileLock(this.#paths.writers, work, { shared: true })
  }

  /** Temp files without a living writer; none as long as any process writes. */
  async dead(): Promise<string[]> {
    const { layers, writers } = this.#paths
    const names = await ifLockIsFree(writers, () => readdir(layers).catch(() => []))
    return (names ?? [])
      .filter((name) => name.endsWith(TEMP_SUFFIX))
      .map((name) => join(layers, name))
  }
}
