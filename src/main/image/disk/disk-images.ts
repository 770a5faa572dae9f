// SPDX-License-Identifier: Apache-2.0
// Disk images beside those of containers: of a URL or a file, kept as raw disks for machines to have
// as further disks.
// - Downloaded, compared with a checksum if there is one, then unpacked (fetch-disk.ts), on a thread of
//   their own; once, however many ask at a time, in however many processes.
// - A raw disk lies under its own digest, so that two sources of the same bytes take their room once.
//   It is never written to. Its size and time of change, noted when it was made, vouch for it; where
//   they differ it is read and compared before it is used, and set aside if it is not what it was.
// - A source is asked again only when its image is not here, when the caller names another checksum,
//   or, of a file, when that has changed.
// What it does not: know which machines need an image (run/engine-disks.ts), or attach it.
import { mkdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { MicrovmError } from '../../../contract/errors'
import type { DiskImageView, OnProgress } from '../../../contract/images'
import { withFileLock } from '../../lib/file-lock'
import { ignoreMissing } from '../../lib/ignore-missing'
import type { Logger } from '../../lib/logger'
import { hexOf } from '../digest'
import { PART_SUFFIX, withPart } from '../registry/blob-part'
import type { NetworkSettings } from '../registry/registry-network'
import { SharedTasks } from '../shared-tasks'
import { TempFiles } from '../temp-files'
import { DiskProgress } from './disk-progress'
import { DiskRecords, sourceKey, type DiskRecord } from './disk-records'
import { parseDiskSource, parseSha256, shownSource, type DiskSource } from './disk-source'
import { versionPath } from './download-disk'
import { runDiskJobOnThread } from './disk-image-thread'
import { withRoomNeeded } from './room-needed'
import type { FetchedDisk, RunDiskJob } from './fetch-disk'
import { pruneDisks, type DiskPruneOptions, type DiskPruneReport } from './prune-disks'
import { RawDisks } from './raw-disks'

/** Of what is downloaded, and of what it unpacks to. */
const MAX_DISK_BYTES = 30 * 1024 ** 3

/** A disk image that is here. */
export interface DiskImage {
  /** As it was asked for: a URL in its normal form, or a file's absolute path. */
  readonly source: string
  /** The raw disk: mode 0600, a multiple of 512 bytes, sparse; never changes and is never to be written to. */
  readonly path: string
  /** Of the raw disk. */
  readonly digest: string
  readonly sizeBytes: number
}

export interface DiskImageOptions {
  /** 64 hex digits: of the file as it is published, compressed or not, as its SHA256SUMS says. */
  readonly sha256?: string | undefined
  /** Reach the server without encryption, wherever it is. */
  readonly plainHttp?: boolean | undefined
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: OnProgress | undefined
}

export interface DiskImages {
  /**
   * The image of this source, brought unless it is here.
   * @param source an https URL (http on this computer), or the absolute path of a file to take in
   * @throws INVALID_ARGUMENT, NOT_FOUND (no such file), IMAGE_NOT_FOUND, IMAGE_INVALID, IMAGE_TOO_LARGE,
   *   DIGEST_MISMATCH, DISK_FULL, REGISTRY_UNREACHABLE, REGISTRY_DENIED, REGISTRY_ERROR, CANCELLED
   */
  ensure(source: string, options: DiskImageOptions): Promise<DiskImage>
  /** By source. */
  list(): Promise<DiskImageView[]>
  /**
   * Those that a name means: several if sources have the same raw disk.
   * @param name source or digest, or at least 12 digits of that
   */
  find(name: string): Promise<DiskImageView[]>
  /**
   * Reads the whole raw disk.
   * @param name as for `find`
   * @throws NOT_FOUND, STATE_CORRUPT with the disk set aside if it is not what it was
   */
  verify(name: string, signal?: AbortSignal): Promise<DiskImageView>
  /** Takes away all that the name means. @param name as for `find` @throws NOT_FOUND */
  remove(name: string): Promise<void>
  prune(options: DiskPruneOptions): Promise<DiskPruneReport>
}

export interface DiskImagesDeps {
  /** images/disk-images */
  readonly folder: string
  readonly network: NetworkSettings
  readonly logger: Logger
  /** On a thread of its own unless given. */
  readonly run?: RunDiskJob
  readonly maxBytes?: number
  readonly now?: () => number
}

export function createDiskImages(deps: DiskImagesDeps): DiskImages {
  return new Store(deps)
}

type Report = Parameters<OnProgress>[0]

class Store implements DiskImages {
  readonly #folder: string
  readonly #lock: string
  readonly #network: NetworkSettings
  readonly #run: RunDiskJob
  readonly #maxBytes: number
  readonly #now: () => number
  readonly #records: DiskRecords
  readonly #raw: RawDisks
  readonly #temp: TempFiles
  readonly #tasks = new SharedTasks<DiskImage, Report>()

  constructor({ folder, network, logger, run, maxBytes, now }: DiskImagesDeps) {
    this.#folder = folder
    this.#lock = join(folder, '.lock')
    this.#network = network
    this.#run = run ?? runDiskJobOnThread
    this.#maxBytes = maxBytes ?? MAX_DISK_BYTES
    this.#now = now ?? Date.now
    this.#records = new DiskRecords(join(folder, 'sources'), logger)
    const [lock, records] = [this.#lock, this.#records]
    this.#raw = new RawDisks({ folder, lock, records, run: this.#run, logger })
    this.#temp = new TempFiles({ layers: folder, writers: join(folder, '.writers') })
  }

  readonly ensure = async (text: string, options: DiskImageOptions): Promise<DiskImage> => {
    const { sha256: given, plainHttp = false, signal, onProgress } = options
    const source = parseDiskSource(text, plainHttp)
    const sha256 = given === undefined ? undefined : parseSha256(given)
    try {
      return await this.#tasks.run(
        `${sha256} ${source.name}`,
        async (ownSignal, report) => this.#ensure(source, sha256, ownSignal, report),
        { ...(signal && { signal }), ...(onProgress && { onProgress }) },
      )
    } catch (error) {
      const known = MicrovmError.from(error)
      if (known.code === 'CANCELLED') throw known
      throw MicrovmError.inContext(`disk image ${shownSource(source)}`, known)
    }
  }

  readonly list = async (): Promise<DiskImageView[]> =>
    this.#raw.viewsOf(await this.#records.list())

  readonly find = async (name: string): Promise<DiskImageView[]> =>
    this.#raw.viewsOf(await this.#named(name))

  readonly verify = async (
    name: string,
    signal = new AbortController().signal,
  ): Promise<DiskImageView> => {
    const [record] = await this.#named(name)
    const [view] = await this.#raw.viewsOf(record ? [record] : [])
    if (!record || !view) throw noSuchDisk(name)
    if (await this.#raw.isSound(record, signal)) return view
    throw new MicrovmError('STATE_CORRUPT', `${name} is not what it was, and has been set aside`, {
      hint: 'It is brought again when it is asked for.',
    })
  }

  readonly remove = async (name: string): Promise<void> => {
    await withFileLock(this.#lock, async () => {
      const going = await this.#named(name)
      if (going.length === 0) throw noSuchDisk(name)
      for (const { source } of going) await this.#records.remove(source)
      const needed = new Set((await this.#records.list()).map(({ digest }) => digest))
      for (const { digest } of going)
        if (!needed.has(digest)) await rm(this.#raw.pathOf(digest), { force: true })
    })
  }

  readonly prune = (options: DiskPruneOptions): Promise<DiskPruneReport> =>
    withFileLock(this.#lock, () =>
      pruneDisks(
        { folder: this.#folder, records: this.#records, temp: this.#temp, now: this.#now },
        options,
      ),
    )

  async #ensure(
    source: DiskSource,
    sha256: string | undefined,
    signal: AbortSignal,
    report: OnProgress,
  ): Promise<DiskImage> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 })
    const find = (): Promise<DiskImage | undefined> => this.#find(source, sha256, signal)
    const present = await find()
    if (present) return present
    const progress = new DiskProgress(shownSource(source), report)
    const partPath = join(this.#folder, `${sourceKey(source.name)}${PART_SUFFIX}`)
    try {
      // The part is also the lock under which one process brings the image, and others wait.
      return await withPart(
        partPath,
        { signal, onWait: (bytes) => progress.waiting(bytes) },
        async () =>
          (await find()) ??
          this.#temp.whileWriting(() => this.#bring(source, sha256, partPath, signal, progress)),
      )
    } finally {
      progress.close()
    }
  }

  async #bring(
    source: DiskSource,
    sha256: string | undefined,
    partPath: string,
    signal: AbortSignal,
    progress: DiskProgress,
  ): Promise<DiskImage> {
    const isFile = source.kind === 'file'
    const from = isFile ? source.name : partPath
    const fileMtimeMs = isFile ? (await statFile(from)).mtimeMs : undefined
    const to = this.#temp.newPath()
    const maxBytes = this.#maxBytes
    const forget = (): Promise<void> => rm(versionPath(partPath), { force: true })
    const download = { url: source.name, network: this.#network, partPath, maxBytes }
    try {
      const fetched = await this.#run<'fetch'>(
        {
          kind: 'fetch',
          ...(isFile ? {} : { download }),
          ...(sha256 === undefined ? {} : { sha256 }),
          ...{ from, to, maxBytes },
        },
        { signal, onProgress: progress.at },
      )
      signal.throwIfAborted()
      const image = await this.#publish(source.name, to, fetched, fileMtimeMs)
      await forget()
      return image
    } catch (error) {
      // What is noted of a part that is deleted is of no use.
      if (MicrovmError.from(error).code === 'DIGEST_MISMATCH') await forget()
      throw await withRoomNeeded(
        error,
        this.#folder,
        { download: partPath, unpacked: to },
        progress.last,
      )
    } finally {
      await rm(to, { force: true })
    }
  }

  async #publish(
    source: string,
    temp: string,
    { digest, sizeBytes, sha256, packedBytes, compression }: FetchedDisk,
    fileMtimeMs: number | undefined,
  ): Promise<DiskImage> {
    const path = this.#raw.pathOf(digest)
    return withFileLock(this.#lock, async () => {
      const same = (await this.#records.list()).filter((record) => record.digest === digest)
      const isHere = await Promise.all(same.map((record) => this.#raw.isUntouched(record)))
      if (!isHere.includes(true)) await rename(temp, path)
      const { mtimeMs } = await stat(path)
      const now = this.#now()
      const content = { digest, sizeBytes, mtimeMs, sha256, packedBytes, compression }
      const file = fileMtimeMs === undefined ? {} : { fileMtimeMs }
      await this.#records.write({ source, ...content, ...file, fetchedAt: now, lastUsedAt: now })
      return { source, path, digest, sizeBytes }
    })
  }

  /** The image if it is here, is what is asked for, and sound. */
  async #find(
    source: DiskSource,
    sha256: string | undefined,
    signal: AbortSignal,
  ): Promise<DiskImage | undefined> {
    const record = await this.#records.read(source.name)
    if (!record || (sha256 !== undefined && record.sha256 !== sha256)) return undefined
    if (source.kind === 'file' && (await hasChanged(record))) return undefined
    if (!(await this.#raw.isUntouched(record)) && !(await this.#raw.isSound(record, signal)))
      return undefined
    const { digest, sizeBytes } = record
    await withFileLock(this.#lock, async () => {
      const current = await this.#records.read(source.name)
      if (current?.digest === digest)
        await this.#records.write({ ...current, lastUsedAt: this.#now() })
    })
    return { source: source.name, path: this.#raw.pathOf(digest), digest, sizeBytes }
  }

  /** By source, or by (the beginning of) the digest of one raw disk. */
  async #named(name: string): Promise<DiskRecord[]> {
    const records = await this.#records.list()
    const exact = records.filter(({ source }) => source === name || source === normalized(name))
    if (exact.length > 0) return exact
    const hex = /^(?:sha256:)?([0-9a-f]{12,64})$/.exec(name)?.[1]
    const found = records.filter(({ digest }) => hex !== undefined && hexOf(digest).startsWith(hex))
    return new Set(found.map(({ digest }) => digest)).size > 1 ? [] : found
  }
}

function normalized(name: string): string | undefined {
  try {
    return parseDiskSource(name, true).name
  } catch {
    return undefined
  }
}

/** Whether the imported file is another one by now; one that is gone has not changed. */
async function hasChanged({ source, packedBytes, fileMtimeMs }: DiskRecord): Promise<boolean> {
  const file = await stat(source).catch(ignoreMissing)
  return file !== undefined && (file.size !== packedBytes || file.mtimeMs !== fileMtimeMs)
}

async function statFile(path: string): Promise<{ mtimeMs: number }> {
  const file = await stat(path).catch(ignoreMissing)
  if (!file) throw new MicrovmError('NOT_FOUND', `there is no file ${path}`)
  if (!file.isFile()) throw new MicrovmError('INVALID_ARGUMENT', `${path} is no file`)
  return file
}

const noSuchDisk = (name: string): MicrovmError =>
  new MicrovmError('NOT_FOUND', `there is no disk image ${name} here`, {
    hint: 'See what there is: microvm disk ls',
  })
