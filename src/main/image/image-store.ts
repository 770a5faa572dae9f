// SPDX-License-Identifier: Apache-2.0
// All images on this computer: finding, pulling, importing and removing them, and their file trees.
// - Images come from a registry, a file, or with the app (the starter image, which works offline).
// - Every byte is checked against the digest that names it before anything can find it, and the host
//   never unpacks an image into its own files: layers become one data file and an index each.
// - Several processes may use one store at a time. A damaged file of the store is set aside and said
//   so in the log; the images it does not belong to are not affected.
// What it does not: decide whether a machine needs an image; make disks of trees (rootfs/).
import { createHash } from 'node:crypto'
import { mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { MicrovmError } from '../../contract/errors'
import { digestSchema, type ImageView, type OnProgress } from '../../contract/images'
import type { DataPaths } from '../lib/data-paths'
import { withFileLock } from '../lib/file-lock'
import type { Logger } from '../lib/logger'
import { openBlob, type BlobSource } from './blob-source'
import { buildFsTree, graftBundle, type FsTree, type LayerContent, type LayerData } from './fs-tree'
import { folderOnDisk } from './image-folder'
import { importedName, withImageFile } from './image-file'
import { ImageRecords, type ImageRecord } from './image-records'
import { viewImages, viewUnused, type NamedImage } from './image-views'
import { LayerStore } from './layer-store'
import { ingestOnThread, type IngestLayer } from './layer-thread'
import { resolveFromLayout, type FoundImage } from './oci-layout'
import { guestPlatform } from './platform'
import { canonicalReference, familiarReference, parseReference } from './reference'
import { createRegistryClient, registryAccess } from './registry-client'
import { resolveFromRegistry } from './registry-image'
import { readAllImages, removeImage } from './remove-image'
import { saveImage } from './save-image'

export interface StoredImage {
  readonly view: ImageView
  /** Bottom to top. */
  readonly layers: readonly LayerData[]
}

export interface ImageOperation {
  readonly onProgress?: OnProgress
  readonly signal?: AbortSignal
}

export interface ImageStore {
  /** Everything that is here, and the starter image even before its first use; by name. */
  list(): Promise<ImageView[]>
  /**
   * By reference in any form the user may type, or by digest; only if it is here and whole.
   * The starter image is imported on first use.
   */
  find(reference: string): Promise<StoredImage | undefined>
  /** `find`, else `pull`. */
  ensure(reference: string, options: ImageOperation): Promise<StoredImage>
  /** Whatever the registry has under this name now. */
  pull(reference: string, options: ImageOperation): Promise<StoredImage>
  /**
   * An OCI layout (folder or archive) or a `docker save` archive.
   * @param options.reference the name it gets, and which image is meant if there are several
   */
  importPath(path: string, options: ImageOperation & { reference?: string }): Promise<StoredImage>
  /** @throws IMAGE_NOT_FOUND; CONFLICT for the starter image while nothing of it is stored */
  remove(reference: string): Promise<void>
  /** @throws STATE_CORRUPT with the damaged layer set aside, IMAGE_INVALID for layers that do not fit */
  tree(image: StoredImage, signal?: AbortSignal): Promise<FsTree>
  /** A plain tar that is no image's layer (the guest bundle): same store, same format. */
  ensureLayer(tarPath: string, signal?: AbortSignal): Promise<LayerData>
  /** Puts such a layer on top of a tree at /.microvm, in place of what is there. */
  graft(tree: FsTree, layer: LayerData): Promise<FsTree>
  markUsed(reference: string): Promise<void>
}

export interface ImageStoreDeps {
  readonly paths: DataPaths['images']
  /** Folder with the OCI layout of the starter image, if it is installed. */
  readonly starterLayout: string | undefined
  readonly logger: Logger
  /** As `process.arch`, which it is unless given. */
  readonly arch?: string
  /** How a layer is taken in; on a thread of its own unless given. */
  readonly ingest?: IngestLayer
  readonly now?: () => number
}

const STARTER = 'starter'
const starterReference = canonicalReference(parseReference(STARTER))

export function createImageStore(deps: ImageStoreDeps): ImageStore {
  const { paths, starterLayout, logger, now = Date.now } = deps
  const platform = guestPlatform(deps.arch ?? process.arch)
  const layers = new LayerStore({ paths, logger, ingest: deps.ingest ?? ingestOnThread })
  const records = new ImageRecords(paths, logger)
  const saving = { paths, layers, records, now }

  async function list(): Promise<ImageView[]> {
    const all = await listNamed()
    const views = await viewImages(layers, all, all)
    if (!views.some(({ reference }) => reference === STARTER)) {
      const starter = await unusedStarter()
      if (starter) views.push(starter)
    }
    return views.toSorted((a, b) => a.reference.localeCompare(b.reference, 'en'))
  }

  async function listNamed(): Promise<NamedImage[]> {
    const [refs, images] = await Promise.all([records.listRefs(), readAllImages(records)])
    return images.flatMap((record): NamedImage[] => {
      const own = refs.filter(({ digest }) => digest === record.digest)
      if (own.length === 0) return [{ record, builtIn: false }]
      return own.map((ref) => ({ record, ref, builtIn: ref.reference === starterReference }))
    })
  }

  async function find(reference: string): Promise<StoredImage | undefined> {
    const { canonical, digest } = readName(reference)
    if (canonical === starterReference && starterLayout !== undefined) return starter({})
    return findStored(canonical, digest)
  }

  /** @param digest found even without a name */
  async function findStored(
    canonical: string | undefined,
    digest: string | undefined,
  ): Promise<StoredImage | undefined> {
    const ref = canonical === undefined ? undefined : await records.readRef(canonical)
    const wanted = ref?.digest ?? digest
    const record = wanted === undefined ? undefined : await records.readImage(wanted)
    if (record === undefined) return undefined
    const found = await Promise.all(record.parsed.diffIds.map((diffId) => layers.find(diffId)))
    const whole = found.filter((layer) => layer !== undefined)
    if (whole.length < found.length) {
      logger.warn('an image lacks layers', { digest: record.digest, reference: canonical })
      return undefined
    }
    const all = await listNamed()
    const named = nameOf(all, record, ref?.reference)
    const [view] = await viewImages(layers, [named], all)
    return { view: view!, layers: whole }
  }

  /** The starter image as it comes with the app: a newer app brings a newer one. */
  async function starter(options: ImageOperation): Promise<StoredImage> {
    const { content } = await resolveStarter(options.signal)
    const stored = await findStored(starterReference, undefined)
    if (stored?.view.digest === content.digest) return stored
    await saveImage(saving, content, {
      ...options,
      reference: starterReference,
      message: 'Unpacking the starter image',
    })
    return mustFind(starterReference)
  }

  async function resolveStarter(signal?: AbortSignal): Promise<FoundImage> {
    if (starterLayout === undefined)
      throw new MicrovmError('IMAGE_NOT_FOUND', 'the starter image is not installed', {
        hint: 'Run npm run setup, or choose another image.',
      })
    return resolveFromLayout(folderOnDisk(starterLayout), {
      platform,
      ...(signal ? { signal } : {}),
    })
  }

  async function unusedStarter(): Promise<ImageView | undefined> {
    if (starterLayout === undefined) return undefined
    try {
      const { content } = await resolveStarter()
      const { mtimeMs } = await stat(join(starterLayout, 'index.json'))
      return viewUnused(STARTER, content, Math.round(mtimeMs))
    } catch (error) {
      logger.warn('the starter image cannot be read', { path: starterLayout, error })
      return undefined
    }
  }

  async function ensure(reference: string, options: ImageOperation): Promise<StoredImage> {
    const { canonical, digest } = readName(reference)
    if (canonical === starterReference) return pull(reference, options)
    return (await findStored(canonical, digest)) ?? pull(reference, options)
  }

  async function pull(reference: string, options: ImageOperation): Promise<StoredImage> {
    const { canonical } = readName(reference)
    if (canonical === undefined)
      throw new MicrovmError('IMAGE_NOT_FOUND', `there is no image ${reference} here`, {
        hint: 'A digest alone does not say where to get an image. Give a name: NAME@sha256:…',
      })
    return inContext(`pull ${reference}`, async () => {
      if (canonical === starterReference) return starter(options)
      const parsed = parseReference(reference)
      const message = `Pulling ${familiarReference(parsed)}`
      options.onProgress?.({ stage: 'image', message })
      const client = createRegistryClient(registryAccess(parsed))
      try {
        const content = await resolveFromRegistry(client, parsed, platform, options.signal)
        await saveImage(saving, content, { ...options, reference: canonical, message })
      } finally {
        client.close()
      }
      return mustFind(canonical)
    })
  }

  async function importPath(
    path: string,
    options: ImageOperation & { reference?: string },
  ): Promise<StoredImage> {
    const { reference, signal } = options
    return inContext(`import ${path}`, async () => {
      if (reference !== undefined) importName(reference)
      await mkdir(paths.layers, { recursive: true, mode: 0o700 })
      const choice = {
        platform,
        ...(reference === undefined ? {} : { reference }),
        ...(signal ? { signal } : {}),
      }
      const canonical = await withImageFile(path, layers.tempPath(), choice, async (found) => {
        const name = importName(reference ?? importedName(found.name, path))
        const message = `Importing ${familiarReference(parseReference(name))}`
        await saveImage(saving, found.content, { ...options, reference: name, message })
        return name
      })
      return mustFind(canonical)
    })
  }

  async function remove(reference: string): Promise<void> {
    const { canonical, digest } = readName(reference)
    await withFileLock(paths.lock, async () => {
      const ref = canonical === undefined ? undefined : await records.readRef(canonical)
      const wanted = ref?.digest ?? digest
      const image = wanted === undefined ? undefined : await records.readImage(wanted)
      if (image) await removeImage({ paths, layers, records }, image, ref?.reference)
      // A name whose image has been set aside as damaged can still be taken away.
      else if (ref) await records.removeRef(ref.reference)
      else if (canonical === starterReference)
        throw new MicrovmError('CONFLICT', 'the starter image comes with the app')
      else
        throw new MicrovmError('IMAGE_NOT_FOUND', `there is no image ${reference} here`, {
          hint: 'See what there is: microvm images',
        })
    })
  }

  async function markUsed(reference: string): Promise<void> {
    const { canonical } = readName(reference)
    if (canonical === undefined) return
    await withFileLock(paths.lock, async () => {
      const ref = await records.readRef(canonical)
      if (ref) await records.writeRef({ ...ref, lastUsedAt: now() })
    })
  }

  async function ensureLayer(tarPath: string, signal?: AbortSignal): Promise<LayerData> {
    const { size } = await stat(tarPath)
    const source = { kind: 'file', path: tarPath, offset: 0, size } as const
    const diffId = await hashFile(source, signal ?? new AbortController().signal)
    const options = { fileBytes: new SharedArrayBuffer(8), ...(signal ? { signal } : {}) }
    return inContext(`take in ${tarPath}`, () => layers.ensure({ diffId, source }, options))
  }

  const contentOf = async (data: LayerData): Promise<LayerContent> => {
    const { hasWhiteouts, list: listEntries } = await layers.index(data.diffId)
    return { data, hasWhiteouts, list: listEntries }
  }

  async function mustFind(canonical: string): Promise<StoredImage> {
    const found = await findStored(canonical, undefined)
    if (found) return found
    throw new MicrovmError('CONFLICT', 'the image was removed while it was being stored')
  }

  return {
    list,
    find,
    ensure,
    pull,
    importPath,
    remove,
    markUsed,
    ensureLayer,
    tree: async (image, signal) =>
      buildFsTree(await Promise.all(image.layers.map(contentOf)), signal),
    graft: async (tree, layer) => graftBundle(tree, await contentOf(layer)),
  }
}

/** A digest alone, or a canonical name with the digest it may carry. */
function readName(text: string): { canonical?: string; digest?: string } {
  if (digestSchema.safeParse(text).success) return { digest: text }
  const parsed = parseReference(text)
  const canonical = canonicalReference(parsed)
  return parsed.digest === undefined ? { canonical } : { canonical, digest: parsed.digest }
}

/** @throws INVALID_ARGUMENT for the name of the image that comes with the app */
function importName(reference: string): string {
  const canonical = canonicalReference(parseReference(reference))
  if (canonical !== starterReference) return canonical
  throw new MicrovmError('INVALID_ARGUMENT', `the name ${STARTER} is taken by the built-in image`, {
    hint: 'Give the image another name.',
  })
}

function nameOf(
  all: readonly NamedImage[],
  record: ImageRecord,
  reference: string | undefined,
): NamedImage {
  const own = all.filter((image) => image.record.digest === record.digest)
  const exact = own.find(({ ref }) => reference !== undefined && ref?.reference === reference)
  return exact ?? own[0] ?? { record, builtIn: false }
}

async function hashFile(source: BlobSource, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of openBlob(source, signal)) hash.update(chunk)
  return `sha256:${hash.digest('hex')}`
}

async function inContext<T>(context: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const known = MicrovmError.from(error)
    throw known.code === 'CANCELLED' ? known : MicrovmError.inContext(context, known)
  }
}
