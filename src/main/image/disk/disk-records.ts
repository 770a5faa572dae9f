// SPDX-License-Identifier: Apache-2.0
// Which source gave which raw disk: one small JSON file per source. One that cannot be read is renamed
// to NAME.corrupt, said so in the log, and counts as absent: the image is brought again.
import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { digestSchema } from '../../../contract/images'
import { writeFileAtomic } from '../../lib/atomic-file'
import type { Logger } from '../../lib/logger'

const VERSION = 1
const recordSchema = z.object({
  version: z.literal(VERSION),
  /** A URL in its normal form, or an absolute path. */
  source: z.string(),
  /** Of the raw disk, which has this name, size and, as long as nobody has touched it, time of change. */
  digest: digestSchema,
  sizeBytes: z.number().int().positive(),
  mtimeMs: z.number(),
  /** Of the file as it is published: 64 hex digits. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  packedBytes: z.number().int().positive(),
  /** Of a file: when it was last changed. */
  fileMtimeMs: z.number().optional(),
  compression: z.enum(['none', 'gzip', 'zstd', 'bzip2', 'xz']),
  /** Milliseconds since the epoch. */
  fetchedAt: z.number(),
  lastUsedAt: z.number(),
})
export type DiskRecord = Omit<z.infer<typeof recordSchema>, 'version'>

const RECORD = /^[0-9a-f]{32}\.json$/

/** A source as a file name. */
export const sourceKey = (source: string): string =>
  createHash('sha256').update(source).digest('hex').slice(0, 32)

export class DiskRecords {
  readonly #folder: string
  readonly #logger: Logger

  constructor(folder: string, logger: Logger) {
    this.#folder = folder
    this.#logger = logger
  }

  async read(source: string): Promise<DiskRecord | undefined> {
    const record = await this.#readFile(`${sourceKey(source)}.json`)
    return record?.source === source ? record : undefined
  }

  /** By source; writing is for whoever holds the lock of the disk images, as is `waste`. */
  async list(): Promise<DiskRecord[]> {
    const names = await readdir(this.#folder).catch(() => [])
    const found = await Promise.all(
      names.filter((name) => RECORD.test(name)).map((name) => this.#readFile(name)),
    )
    return found
      .filter((record) => record !== undefined)
      .toSorted((a, b) => a.source.localeCompare(b.source, 'en'))
  }

  async write(record: DiskRecord): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 })
    const text = `${JSON.stringify({ version: VERSION, ...record }, null, 2)}\n`
    await writeFileAtomic(this.#pathOf(record.source), text)
  }

  /** Files of the folder that are no records: half written ones, and what was set aside. */
  async waste(): Promise<string[]> {
    const names = await readdir(this.#folder).catch(() => [])
    return names.filter((name) => !RECORD.test(name)).map((name) => join(this.#folder, name))
  }

  async remove(source: string): Promise<void> {
    await rm(this.#pathOf(source), { force: true })
  }

  #pathOf(source: string): string {
    return join(this.#folder, `${sourceKey(source)}.json`)
  }

  async #readFile(name: string): Promise<DiskRecord | undefined> {
    const path = join(this.#folder, name)
    try {
      const { version: _version, ...record } = recordSchema.parse(
        JSON.parse(await readFile(path, 'utf8')),
      )
      return record
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException
      if (code === 'ENOENT') return undefined
      // Trouble with the disk or with permissions says nothing about the content.
      if (/^E[A-Z]+$/.test(code)) throw error
      this.#logger.warn('a record of a disk image is damaged and has been set aside', {
        path,
        error,
      })
      await rename(path, `${path}.corrupt`)
      return undefined
    }
  }
}
