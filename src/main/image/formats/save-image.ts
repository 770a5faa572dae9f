// SPDX-License-Identifier: Apache-2.0
// Puts an image into the store: its layers, several at a time, then manifest and config, then the
// reference that makes it be found. If anything fails, the others stop, and what is complete of the
// layers stays for the next try.
import { setMaxListeners } from 'node:events'
import { mkdir, statfs } from 'node:fs/promises'
import { MicrovmError } from '../../../contract/errors'
import type { OnProgress } from '../../../contract/images'
import type { DataPaths } from '../../lib/data-paths'
import { withFileLock } from '../../lib/file-lock'
import type { ContentLayer, ImageContent } from '../image-content'
import { ImageProgress } from '../image-progress'
import type { ImageRecords } from '../image-records'
import type { LayerStore, StoredLayer } from '../layers/layer-store'
import { ImageTotals, newTotals } from '../layers/image-totals'
import { sweep } from '../leftovers'

export interface SaveDeps {
  readonly paths: DataPaths['images']
  readonly layers: LayerStore
  readonly records: ImageRecords
  readonly now: () => number
}

export interface SaveOptions {
  /** Canonical; its old meaning, if any, is given up. */
  readonly reference: string
  /** For people: "Pulling debian". */
  readonly message: string
  readonly onProgress?: OnProgress
  readonly signal?: AbortSignal
}

/** Another process may remove a layer between our finding it and our claim on it. */
const MAX_ROUNDS = 3

/** @throws as `ingestLayer`, with the layer in the message; DISK_FULL before anything is read */
export async function saveImage(
  deps: SaveDeps,
  content: ImageContent,
  options: SaveOptions,
): Promise<void> {
  for (let round = 1; round <= MAX_ROUNDS; round++) {
    const layers = await takeLayers(deps, content, options)
    // Layers taken in by another pull, or twice in this image, have not counted yet.
    count(layers, newTotals())
    options.signal?.throwIfAborted()
    if (await commit(deps, content, options.reference)) return
  }
  throw new MicrovmError('CONFLICT', 'its layers are being removed by another process')
}

async function takeLayers(
  { layers: store, paths, now }: SaveDeps,
  content: ImageContent,
  { message, onProgress, signal }: SaveOptions,
): Promise<StoredLayer[]> {
  await mkdir(paths.layers, { recursive: true, mode: 0o700 })
  await withFileLock(paths.lock, () => sweep(paths, now()), signal ? { signal } : {})
  const present = await Promise.all(content.layers.map(({ diffId }) => store.find(diffId)))
  const missing = content.layers.filter((_, index) => !present[index])
  await checkFreeSpace(
    paths.layers,
    missing.reduce((sum, { blobSize }) => sum + blobSize, 0),
  )
  const totals = newTotals()
  count(
    present.filter((layer) => layer !== undefined),
    totals,
  )
  const progress = new ImageProgress(message, content.layers, onProgress)
  progress.tell()
  const failing = new AbortController()
  const either = signal ? AbortSignal.any([signal, failing.signal]) : failing.signal
  // Every layer listens; Node takes more than ten for a mistake.
  setMaxListeners(content.layers.length + 10, either)

  const take = async (layer: ContentLayer, index: number): Promise<StoredLayer> => {
    const known = present[index]
    try {
      const { diffId, digest, source } = layer
      const stored =
        known ??
        (await store.ensure(
          { diffId, source, ...(digest === undefined ? {} : { digest }) },
          {
            totals,
            signal: either,
            onBytes: (bytes) => progress.read(index, bytes, source),
          },
        ))
      progress.end(index, known ? 'reused' : 'done')
      return stored
    } catch (error) {
      failing.abort()
      throw MicrovmError.inContext(`layer ${index + 1} of ${content.layers.length}`, error)
    }
  }

  // The first failure is the one to tell of; the others only follow from it.
  let first: unknown
  const results = await Promise.allSettled(
    content.layers.map((layer, index) =>
      take(layer, index).catch((error: unknown) => {
        first ??= error
        throw error
      }),
    ),
  )
  progress.close()
  if (signal?.aborted) throw new MicrovmError('CANCELLED', 'cancelled')
  if (first !== undefined) throw first as Error
  return results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
}

/**
 * What is sure not to fit is not begun: uncompressed, layers are larger than their blobs.
 * @param needed bytes, at least
 * @throws DISK_FULL
 */
export async function checkFreeSpace(folder: string, needed: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder)
  if (needed <= bavail * bsize) return
  throw new MicrovmError(
    'DISK_FULL',
    `the image needs more than ${mib(needed)} MiB, ${mib(bavail * bsize)} MiB are free in ${folder}`,
    {
      hint: 'Free some space on that disk, or choose another data directory with MICROVM_DATA_DIR.',
    },
  )
}

/** @throws IMAGE_TOO_LARGE */
function count(layers: readonly StoredLayer[], shared: SharedArrayBuffer): void {
  const totals = new ImageTotals(shared)
  for (const { entries, fileBytes } of layers) {
    totals.add('entries', entries)
    totals.add('fileBytes', fileBytes)
  }
}

/** @returns false if a layer has gone meanwhile */
async function commit(
  { paths, layers, records, now }: SaveDeps,
  content: ImageContent,
  reference: string,
): Promise<boolean> {
  return withFileLock(paths.lock, async () => {
    const found = await Promise.all(content.layers.map(({ diffId }) => layers.find(diffId)))
    if (found.includes(undefined)) return false
    await records.writeImage(content.digest, content.manifest, content.config)
    const old = await records.readRef(reference)
    const lastUsedAt = old?.lastUsedAt
    await records.writeRef({
      reference,
      digest: content.digest,
      pulledAt: now(),
      ...(lastUsedAt === undefined ? {} : { lastUsedAt }),
    })
    return true
  })
}

const mib = (bytes: number): number => Math.ceil(bytes / 1024 / 1024)
