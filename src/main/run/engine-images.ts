// SPDX-License-Identifier: Apache-2.0
// The images as the engine offers them: those that machines need stay, and what has been pulled or
// imported can boot at once.
import { readFile } from 'node:fs/promises'
import { MicrovmError } from '../../contract/errors'
import { openGuestBundle } from '../guest/bundle'
import type { DiskImages } from '../image/disk/disk-images'
import type { ImageStore, StoredImage } from '../image/image-store'
import type { Logger } from '../lib/logger'
import type { Parts } from '../lib/parts'
import type { VmFiles } from '../state/vm-files'
import type { VmRecord } from '../state/vm-record'
import { prepareImageDisk } from './disk-stage'

export interface EngineImagesDeps {
  readonly images: ImageStore
  /** Pruned with them. */
  readonly disks: Pick<DiskImages, 'prune'>
  readonly files: VmFiles
  /** Where the store keeps bootable disks. */
  readonly disksDir: string
  /** What a machine was last started with: runner.json. */
  readonly runnerConfigOf: (id: string) => string
  readonly parts: () => Promise<Parts>
  readonly logger: Logger
}

export function createEngineImages(deps: EngineImagesDeps): ImageStore {
  const { images } = deps
  return {
    ...images,
    pull: async (reference, options) =>
      prepared(deps, await images.pull(reference, options), options.signal),
    importPath: async (path, options) =>
      prepared(deps, await images.importPath(path, options), options.signal),
    importStream: async (archive, options) =>
      prepared(deps, await images.importStream(archive, options), options.signal),
    remove: async (reference) => {
      const digest = (await images.find(reference))?.view.digest
      const namesLeft = (await images.list()).filter((image) => image.digest === digest).length
      const users = namesLeft > 1 ? [] : ((await usersByDigest(deps)).get(digest ?? '') ?? [])
      if (users.length > 0) throw inUse(reference, users)
      await images.remove(reference)
    },
    prune: async (options) => {
      const used = (await usersByDigest(deps)).keys()
      const { guest } = await deps.parts()
      const report = await images.prune({
        ...options,
        keep: new Set([...(options.keep ?? []), ...used]),
        ...(guest.found ? { bundle: (await openGuestBundle(guest.path)).digest } : {}),
        disksInUse: await disksInUse(deps),
      })
      const { disks, bytes } = await deps.disks.prune(options)
      return { ...report, disks, bytes: report.bytes + bytes }
    },
  }
}

/** A disk that cannot be made now is made, or fails, when a machine starts. */
async function prepared(
  { images, disksDir, parts, logger }: EngineImagesDeps,
  image: StoredImage,
  signal: AbortSignal | undefined,
): Promise<StoredImage> {
  const { guest } = await parts()
  if (!guest.found) return image
  try {
    await prepareImageDisk({ images, disksDir, guestDir: guest.path, logger }, image, signal)
  } catch (error) {
    const known = MicrovmError.from(error)
    if (known.code === 'CANCELLED') throw known
    logger.warn('an image has no disk yet', { image: image.view.reference, error })
  }
  return image
}

/** Names of the disks' folders, and of raw disks, that machines run from, or may: one that is stopped gets its disk at its next start. */
export async function disksInUse({
  files,
  runnerConfigOf,
}: Pick<EngineImagesDeps, 'files' | 'runnerConfigOf'>): Promise<Set<string>> {
  const names = new Set<string>()
  for (const id of await files.ids()) {
    const state = await files.loadState(id)
    if (state.kind === 'found' && ['stopped', 'failed'].includes(state.value.status)) continue
    // Whatever version of the app wrote it, a disk is named by a hash.
    const text = await readFile(runnerConfigOf(id), 'utf8').catch(() => '')
    for (const [name] of text.matchAll(/\b[0-9a-f]{64}\b/g)) names.add(name)
  }
  return names
}

function inUse(reference: string, users: readonly string[]): MicrovmError {
  const isOne = users.length === 1
  const names = users.join(', ')
  const message = isOne
    ? `the machine ${names} needs ${reference}`
    : `${users.length} machines need ${reference}: ${names}`
  return new MicrovmError('CONFLICT', message, {
    hint: `Delete ${isOne ? 'it' : 'them'} first: microvm rm ${users.join(' ')}`,
  })
}

/** Of every machine; one whose record cannot be read needs nothing that anyone could name. */
export async function* recordsIn(files: VmFiles): AsyncGenerator<VmRecord, void> {
  for (const id of await files.ids()) {
    const record = await files.loadRecord(id)
    if (record.kind === 'found') yield record.value
  }
}

/** Names of machines by digest of the image they were made from, or name and have not been started with yet. */
async function usersByDigest({ images, files }: EngineImagesDeps): Promise<Map<string, string[]>> {
  const users = new Map<string, string[]>()
  for await (const { image, spec } of recordsIn(files)) {
    const digest = image?.digest ?? (await images.find(spec.image))?.view.digest
    if (digest !== undefined) users.set(digest, [...(users.get(digest) ?? []), spec.name])
  }
  return users
}
