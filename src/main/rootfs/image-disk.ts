// SPDX-License-Identifier: Apache-2.0
// The bootable disk of an image: EROFS metadata of its own, then the data files of the layers as
// they lie in the store, presented as one disk by a VMDK descriptor. No file's content is read or
// copied. A disk is either complete or not there: it is built in a folder aside and renamed.
import { mkdir, open, readFile, realpath, rename, rm, stat } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { MicrovmError } from '../../contract/errors'
import type { FsTree, LayerData } from '../image/tree/fs-tree'
import { syncFolder, writeFileAtomic } from '../lib/atomic-file'
import { withFileLock } from '../lib/file-lock'
import { explainFullDisk, roomText } from '../lib/full-disk'
import type { Logger } from '../lib/logger'
import { encodeMetadata } from './erofs/erofs-image'
import { BLOCK_SIZE } from './erofs/format'
import { layOutErofs, type ErofsLayout } from './erofs/layout'
import { readVmdkDescriptor, vmdkDescriptor, type Extent } from '../lib/vmdk'
import { writeFully } from './write-fully'

/** Goes up whenever the same tree would give other bytes; disks of another version are built anew. */
const FORMAT_VERSION = 1
const METADATA_FILE = 'meta.erofs'
const DESCRIPTOR_FILE = 'disk.vmdk'

export interface ImageDiskDeps {
  /** Holds one folder per disk; made if missing. */
  readonly disksDir: string
  readonly logger: Pick<Logger, 'info' | 'warn'>
}

/** Path of the descriptor of the disk of this key, if it is there and whole. */
export async function findImageDisk(disksDir: string, key: string): Promise<string | undefined> {
  const folder = join(await realpath(disksDir).catch(() => disksDir), key)
  return (await isWhole(folder)) ? join(folder, DESCRIPTOR_FILE) : undefined
}

/**
 * The disk of a tree, built if it is not there or not whole. Safe to call from many processes at once.
 * @param makeTree called only if the disk has to be built
 * @param key names the disk: a hash of all that the tree is made from
 * @returns the descriptor's absolute path, and whether it had to be built
 * @throws STATE_CORRUPT when a layer's data file is missing or of the wrong size, IMAGE_INVALID or
 *   IMAGE_TOO_LARGE for a tree that EROFS cannot hold, DISK_FULL
 */
export async function ensureImageDisk(
  deps: ImageDiskDeps,
  makeTree: () => Promise<FsTree>,
  key: string,
  signal?: AbortSignal,
): Promise<{ descriptorPath: string; built: boolean }> {
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/.test(key))
    throw new MicrovmError('INVALID_ARGUMENT', `'${key}' cannot name a disk`)
  try {
    await mkdir(deps.disksDir, { recursive: true, mode: 0o700 })
    const disksDir = await realpath(deps.disksDir)
    const folder = join(disksDir, key)
    const descriptorPath = join(folder, DESCRIPTOR_FILE)
    if (await isWhole(folder)) return { descriptorPath, built: false }
    const built = await withFileLock(
      join(disksDir, '.lock'),
      async () => {
        // Whoever held the lock before may have built it.
        if (await isWhole(folder)) return false
        await build({ ...deps, disksDir }, await makeTree(), key, signal)
        return true
      },
      signal === undefined ? {} : { signal },
    )
    return { descriptorPath, built }
  } catch (error) {
    throw MicrovmError.inContext('build the image disk', error)
  }
}

/** Finds every layer's data file as the descriptor has to name it, and checks its size. */
async function locateLayers(folder: string, layers: readonly LayerData[]): Promise<Extent[]> {
  return Promise.all(
    layers.map(async ({ diffId, dataPath, dataSize }) => {
      // Real paths: the kernel, too, resolves '..' after symbolic links.
      const path = await realpath(dataPath).catch((error: unknown) => {
        throw brokenLayer(diffId, 'is missing', error)
      })
      const { size } = await stat(path)
      if (size !== dataSize || size % BLOCK_SIZE !== 0)
        throw brokenLayer(diffId, `has ${size} bytes in place of ${dataSize}`)
      return { file: relative(folder, path).split(sep).join('/'), size }
    }),
  )
}

function brokenLayer(diffId: string, problem: string, cause?: unknown): MicrovmError {
  return new MicrovmError('STATE_CORRUPT', `the stored data of layer ${diffId} ${problem}`, {
    hint: 'Remove the image and pull it again.',
    cause,
  })
}

/** Whether a disk is there, of this version, with every file it refers to at its full size. */
async function isWhole(folder: string): Promise<boolean> {
  try {
    const text = await readFile(join(folder, DESCRIPTOR_FILE), 'utf8')
    const extents = readVmdkDescriptor(text, FORMAT_VERSION)
    const found = await Promise.all(extents?.map(({ file }) => stat(join(folder, file))) ?? [])
    return extents?.every(({ size }, index) => found[index]?.size === size) ?? false
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}

/** Only ever called by the holder of the lock, so what lies in the folder aside is a dead build's. */
async function build(
  { disksDir, logger }: ImageDiskDeps,
  tree: FsTree,
  key: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const started = performance.now()
  const layers = await locateLayers(join(disksDir, key), tree.layers)
  const layout = layOutErofs(tree)
  const aside = join(disksDir, '.new')
  await rm(aside, { recursive: true, force: true })
  try {
    await mkdir(aside, { mode: 0o700 })
    await writeMetadata(join(aside, METADATA_FILE), layout, signal)
    const metadata = { file: METADATA_FILE, size: layout.metadataBlocks * BLOCK_SIZE }
    const text = vmdkDescriptor([metadata, ...layers], FORMAT_VERSION)
    await writeFileAtomic(join(aside, DESCRIPTOR_FILE), text)
    await rm(join(disksDir, key), { recursive: true, force: true })
    await rename(aside, join(disksDir, key))
  } catch (error) {
    await rm(aside, { recursive: true, force: true })
    const size = roomText(layout.metadataBlocks * BLOCK_SIZE)
    throw explainFullDisk(error, disksDir, `the image's disk takes ${size} beside its layers`)
  }
  await syncFolder(disksDir)
  if (layout.droppedXattrs.size > 0)
    logger.warn('extended attributes that Linux cannot hold were left out', {
      names: [...layout.droppedXattrs].slice(0, 10),
    })
  logger.info('image disk built', {
    key,
    inodes: layout.inodes.length,
    metadataBytes: layout.metadataBlocks * BLOCK_SIZE,
    milliseconds: Math.round(performance.now() - started),
  })
}

async function writeMetadata(
  path: string,
  layout: ErofsLayout,
  signal: AbortSignal | undefined,
): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    for (const { position, bytes } of encodeMetadata(layout)) {
      signal?.throwIfAborted()
      await writeFully(file, bytes, position)
    }
    await file.sync()
  } finally {
    await file.close()
  }
}
