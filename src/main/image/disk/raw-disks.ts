// SPDX-License-Identifier: Apache-2.0
// The raw disks themselves, each a file under its own digest, and whether they are what they were.
import { rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { DiskImageView } from '../../../contract/images'
import { withFileLock } from '../../lib/file-lock'
import { ignoreMissing } from '../../lib/ignore-missing'
import type { Logger } from '../../lib/logger'
import { hexOf } from '../digest'
import type { DiskRecord, DiskRecords } from './disk-records'
import type { RunDiskJob } from './fetch-disk'

export interface RawDisksDeps {
  readonly folder: string
  readonly lock: string
  readonly records: DiskRecords
  readonly run: RunDiskJob
  readonly logger: Logger
}

export class RawDisks {
  readonly #deps: RawDisksDeps

  constructor(deps: RawDisksDeps) {
    this.#deps = deps
  }

  pathOf(digest: string): string {
    return join(this.#deps.folder, `${hexOf(digest)}.raw`)
  }

  /** By its size and time of change. */
  async isUntouched({ digest, sizeBytes, mtimeMs }: DiskRecord): Promise<boolean> {
    const file = await stat(this.pathOf(digest)).catch(ignoreMissing)
    return file?.size === sizeBytes && file.mtimeMs === mtimeMs
  }

  /** Reads all of it. What is not what it was is set aside; what is, is untouched from then on. */
  async isSound({ digest }: DiskRecord, signal: AbortSignal): Promise<boolean> {
    const { lock, records, run, logger } = this.#deps
    const path = this.pathOf(digest)
    const file = await stat(path).catch(ignoreMissing)
    if (!file) return false
    const actual = await run<'verify'>({ kind: 'verify', path }, { signal })
    await withFileLock(lock, async () => {
      const now = await stat(path).catch(ignoreMissing)
      // Another process has dealt with it meanwhile.
      if (now?.ino !== file.ino) return
      if (actual === digest) {
        for (const record of await records.list())
          if (record.digest === digest) await records.write({ ...record, mtimeMs: file.mtimeMs })
      } else {
        logger.warn('a disk image is not what it was and has been set aside', { path, actual })
        await rename(path, `${path}.corrupt`)
      }
    })
    return actual === digest
  }

  /** Without those that are not here any more. */
  async viewsOf(records: readonly DiskRecord[]): Promise<DiskImageView[]> {
    const views = records.map(async (record) => {
      const { mtimeMs: _mtimeMs, fileMtimeMs: _fileMtimeMs, ...shown } = record
      const path = this.pathOf(shown.digest)
      const file = await stat(path).catch(ignoreMissing)
      return file && { ...shown, path, sizeOnDisk: file.blocks * 512 }
    })
    return (await Promise.all(views)).filter((view) => view !== undefined)
  }
}
