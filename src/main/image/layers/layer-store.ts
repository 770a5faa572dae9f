// SPDX-License-Identifier: Apache-2.0
// The layers of all images, each stored once under the digest of its uncompressed tar (diffID):
// HEX.data holds the contents of its files, HEX.index all else that a machine needs, HEX.frame the
// rest of the tar, for exports. A layer is here if its index is: the others get their names first.
// What is here never changes, since disks of machines point into it: whoever stores a layer that has
// come meanwhile throws the own copy away.
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { MicrovmError } from '../../../contract/errors'
import { syncFolder } from '../../lib/atomic-file'
import type { DataPaths } from '../../lib/data-paths'
import { withFileLock } from '../../lib/file-lock'
import { diskFull, roomText } from '../../lib/full-disk'
import { ignoreMissing } from '../../lib/ignore-missing'
import type { Logger } from '../../lib/logger'
import type { BlobSource } from './blob-source'
import type { LayerData } from '../tree/fs-tree'
import { layerFiles, type LayerFiles } from './layer-files'
import { readLayerIndex, readLayerSummary, type LayerIndex, type LayerSummary } from './layer-index'
import { fetchLayer, partPath } from '../registry/fetch-layer'
import type { IngestLayer } from './layer-thread'
import { Semaphore } from '../semaphore'
import { SharedTasks } from '../shared-tasks'
import { TempFiles } from '../temp-files'

export interface LayerStoreDeps {
  readonly paths: DataPaths['images']
  readonly logger: Logger
  readonly ingest: IngestLayer
}

export interface StoredLayer extends LayerData, LayerSummary {}

export interface LayerRequest {
  readonly diffId: string
  /** Of the blob, if anything names it. */
  readonly digest?: string
  readonly source: BlobSource
}

export interface LayerOptions {
  readonly signal?: AbortSignal
  /** Bytes of the blob read so far. */
  readonly onBytes?: (bytes: number) => void
  /** See `LayerJob.totals`. */
  readonly totals: SharedArrayBuffer
}

/** Each keeps a thread busy, and others that inflate; each thread takes memory and a time to start. */
export const LAYERS_AT_A_TIME = Math.min(4, Math.max(2, availableParallelism()))

export class LayerStore {
  readonly temps: TempFiles
  readonly #deps: LayerStoreDeps
  readonly #tasks = new SharedTasks<StoredLayer, number>()
  readonly #atATime = new Semaphore(LAYERS_AT_A_TIME)

  constructor(deps: LayerStoreDeps) {
    this.#deps = deps
    this.temps = new TempFiles(deps.paths)
  }

  /** The layer if it is here and whole as far as sizes tell; one that is not whole is set aside. */
  async find(diffId: string): Promise<StoredLayer | undefined> {
    const { dataPath, indexPath } = this.#pathsOf(diffId)
    try {
      const summary = await readLayerSummary(indexPath)
      const { size } = await stat(dataPath)
      if (size === summary.dataSize) return { diffId, dataPath, ...summary }
      throw new MicrovmError('STATE_CORRUPT', `its data file has ${size} bytes`)
    } catch (error) {
      if (error instanceof MicrovmError && error.code === 'STATE_CORRUPT')
        await this.setAside(diffId, error)
      else if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      return undefined
    }
  }

  /**
   * Takes the layer in unless it is here.
   * @throws as `ingestLayer`; nothing is kept then
   */
  async ensure(request: LayerRequest, options: LayerOptions): Promise<StoredLayer> {
    return (
      (await this.find(request.diffId)) ??
      this.#tasks.run(
        request.diffId,
        (signal, report) =>
          this.#atATime.run(
            () => this.#fetch(request, options.totals, signal, report),
            signal,
            request.source.size,
          ),
        {
          ...(options.signal ? { signal: options.signal } : {}),
          ...(options.onBytes ? { onProgress: options.onBytes } : {}),
        },
      )
    )
  }

  /**
   * The whole index, checked.
   * @throws STATE_CORRUPT, with the layer set aside; NOT_FOUND
   */
  async index(diffId: string): Promise<LayerIndex> {
    try {
      return await readLayerIndex(this.#pathsOf(diffId).indexPath)
    } catch (error) {
      if (error instanceof MicrovmError) await this.setAside(diffId, error)
      throw MicrovmError.inContext(`layer ${diffId}`, error)
    }
  }

  /** Renames its files out of the way, for a look at them; older ones of that kind are lost. */
  async setAside(diffId: string, reason: MicrovmError): Promise<void> {
    this.#deps.logger.warn('a stored layer is damaged and has been set aside', { diffId, reason })
    for (const path of this.#filesOf(diffId))
      await rename(path, `${path}.corrupt`).catch(ignoreMissing)
  }

  /** Bytes its files take on the disk, without holes. */
  async sizeOnDisk(diffId: string): Promise<number> {
    const files = await Promise.all(
      this.#filesOf(diffId).map((path) => stat(path).catch(ignoreMissing)),
    )
    return files.reduce((sum, file) => sum + (file?.blocks ?? 0) * 512, 0)
  }

  async remove(diffId: string): Promise<void> {
    for (const path of this.#filesOf(diffId)) await rm(path, { force: true })
  }

  /** Every layer there is a file of, whole or not. */
  async list(): Promise<string[]> {
    const names = await readdir(this.#deps.paths.layers).catch(ignoreMissing)
    const hexes = (names ?? []).map(
      (name) => /^([0-9a-f]{64})\.(?:data|index|frame)$/.exec(name)?.[1],
    )
    return [...new Set(hexes.filter((hex) => hex !== undefined))].map((hex) => `sha256:${hex}`)
  }

  /** What comes from a registry is fetched once for all processes; what is in a file, taken from there. */
  #fetch(
    request: LayerRequest,
    totals: SharedArrayBuffer,
    signal: AbortSignal,
    report: (bytes: number) => void,
  ): Promise<StoredLayer> {
    const { diffId, source } = request
    const take = (from: BlobSource): Promise<StoredLayer> =>
      this.temps.whileWriting(() =>
        this.#take({ ...request, source: from }, totals, signal, report),
      )
    if (source.kind === 'file') return take(source)
    return fetchLayer(
      source,
      partPath(this.#deps.paths.layers, diffId, source.digest),
      { find: () => this.find(diffId), take },
      { signal, onWait: report },
    )
  }

  async #take(
    { diffId, digest, source }: LayerRequest,
    totals: SharedArrayBuffer,
    signal: AbortSignal,
    report: (bytes: number) => void,
  ): Promise<StoredLayer> {
    const folder = this.#deps.paths.layers
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const temp = {
      dataPath: this.temps.newPath(),
      indexPath: this.temps.newPath(),
      framePath: this.temps.newPath(),
    }
    const job = { source, diffId, ...temp, totals }
    let read = 0
    const onBytes = (bytes: number): void => report((read = bytes))
    try {
      const summary = await this.#deps.ingest(
        { ...job, ...(digest === undefined ? {} : { digest }) },
        { signal, onBytes },
      )
      signal.throwIfAborted()
      return await this.#publish(diffId, temp, summary)
    } catch (error) {
      throw await tellNeed(error, folder, { files: temp, read, blobSize: source.size })
    } finally {
      for (const path of Object.values(temp)) await rm(path, { force: true })
    }
  }

  /** Under the lock, so that no process replaces files that another has just given out. */
  async #publish(diffId: string, temp: LayerFiles, summary: LayerSummary): Promise<StoredLayer> {
    const { dataPath, indexPath, framePath } = this.#pathsOf(diffId)
    return withFileLock(this.#deps.paths.lock, async () => {
      const other = await this.find(diffId)
      if (other) return other
      await rename(temp.framePath, framePath)
      await rename(temp.dataPath, dataPath)
      await rename(temp.indexPath, indexPath)
      await syncFolder(this.#deps.paths.layers)
      return { diffId, dataPath, ...summary }
    })
  }

  #pathsOf(diffId: string): LayerFiles {
    return layerFiles(this.#deps.paths.layers, diffId)
  }

  /** The index first: without it the layer is not here, whatever happens next. */
  #filesOf(diffId: string): string[] {
    const { indexPath, dataPath, framePath } = this.#pathsOf(diffId)
    return [indexPath, dataPath, framePath]
  }
}

/** Says how much the whole layer takes, going by the part of it that there was room for. */
async function tellNeed(
  error: unknown,
  folder: string,
  { files, read, blobSize }: { files: LayerFiles; read: number; blobSize: number },
): Promise<unknown> {
  if (MicrovmError.from(error).code !== 'DISK_FULL') return error
  const sizes = Object.values(files).map((path: string) => stat(path).catch(() => ({ size: 0 })))
  const written = (await Promise.all(sizes)).reduce((sum, { size }) => sum + size, 0)
  const whole = Math.max(blobSize, read === 0 ? 0 : (written / read) * blobSize)
  const needed =
    whole > written
      ? `the layer takes about ${roomText(whole)}, of which ${roomText(written)} found room`
      : `the layer takes more than the ${roomText(written)} that found room`
  return diskFull(folder, needed, error)
}
