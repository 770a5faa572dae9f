// SPDX-License-Identifier: Apache-2.0
// All images on this computer: finding, pulling, importing and removing them, and their file trees.
// - Images come by fetchers (fetcher.ts), from a file, or with the app (the starter image, which works offline).
// - Every byte is checked against the digest that names it before anything can find it, and the host
//   never unpacks an image into its own files: layers become one data file and an index each.
// - Several processes may use one store at a time. A damaged file of the store is set aside and said
//   so in the log; the images it does not belong to are not affected.
// What it does not: decide whether a machine needs an image; make disks of trees (rootfs/).
import { stat } from 'node:fs/promises'
import { MicrovmError } from '../../contract/errors'
import type { ExportFormat, ImageView, OnProgress, PruneReport } from '../../contract/images'
import type { DataPaths } from '../lib/data-paths'
import { withFileLock } from '../lib/file-lock'
import type { Logger } from '../lib/logger'
import { digestOfBlob } from './layers/blob-source'
import {
  buildFsTree,
  graftBundle,
  type FsTree,
  type LayerContent,
  type LayerData,
} from './tree/fs-tree'
import { exportImage } from './formats/export-image'
import { noSuchImage, readImportName, readName, STARTER, starterReference } from './image-names'
import { ImageRecords } from './image-records'
import { importArchive, importFile, type ImportDeps, type ImportOptions } from './import-image'
import { LayerStore } from './layers/layer-store'
import { ingestOnThread, type IngestLayer } from './layers/layer-thread'
import { newTotals } from './layers/image-totals'
import { LocalImages, type StoredImage } from './local-images'
import { checkRunsHere, guestPlatform, parsePlatform, type Platform } from './platform'
import { pruneImages, type PruneOptions } from './prune-images'
import { familiarReference, parseReference } from './reference'
import { fetchImage, hintAtLocal } from './fetch-image'
import type { ImageFetcher, StoreFetched } from './fetcher'
import { storeFetched } from './store-fetched'
import { plainRegistryDeps, registryFetcher } from './registry/registry-image'
import { removeImage } from './remove-image'
import type { SaveDeps } from './formats/save-image'
import { StarterImage } from './starter-image'

export type { StoredImage } from './local-images'

export interface ImageOperation {
  readonly onProgress?: OnProgress
  readonly signal?: AbortSignal
}

export interface PullOptions extends ImageOperation {
  /** "linux/arm64"; this computer's unless given. */
  readonly platform?: string
  /** Reach the registry without encryption, wherever it is. */
  readonly plainHttp?: boolean
  /** Which fetchers are asked: the registry, unless what Docker or Podman here has is wanted. */
  readonly from?: ImageFetcher['place']
}

export interface ImageStore {
  /** Everything that is here, and the starter image even before its first use; by name. */
  list(): Promise<ImageView[]>
  /**
   * By reference in any form the user may type, or by digest; only if it is here and whole.
   * The starter image is imported on first use.
   */
  find(reference: string): Promise<StoredImage | undefined>
  /** As `list` shows it, also what it shares with others. @throws IMAGE_NOT_FOUND */
  view(reference: string): Promise<ImageView>
  /**
   * `find`, else from the first fetcher that has it, a local daemon before the registry.
   * @throws IMAGE_PLATFORM if what is here was pulled for another platform
   */
  ensure(reference: string, options: ImageOperation): Promise<StoredImage>
  /** Whatever the registry, or with `from` a local daemon, has under this name now. */
  pull(reference: string, options: PullOptions): Promise<StoredImage>
  /**
   * An OCI layout (folder or archive), a `docker save` archive or a tar of a system's files.
   */
  importPath(path: string, options: ImportOptions): Promise<StoredImage>
  /** As `importPath`, of an archive that comes as a stream. */
  importStream(archive: AsyncIterable<Buffer>, options: ImportOptions): Promise<StoredImage>
  /**
   * The image as a tar (export-image.ts).
   * @throws IMAGE_NOT_FOUND; while it is read STATE_CORRUPT, AbortError
   */
  exportImage(
    reference: string,
    format: ExportFormat,
    signal: AbortSignal,
    onSize?: (bytes: number) => void,
  ): Promise<AsyncIterable<Buffer>>
  /** Gives an image one more name; what had it before keeps its others. @throws IMAGE_NOT_FOUND */
  tag(reference: string, name: string): Promise<StoredImage>
  /** Gives back the space of what nobody needs (prune-images.ts). */
  prune(options: PruneOptions): Promise<PruneReport>
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
  /** In the order they are asked; registries alone, without settings and logins, unless given. */
  readonly fetchers?: readonly ImageFetcher[]
  /** As `process.arch`, which it is unless given. */
  readonly arch?: string
  /** How a layer is taken in; on a thread of its own unless given. */
  readonly ingest?: IngestLayer
  readonly now?: () => number
}

export function createImageStore(deps: ImageStoreDeps): ImageStore {
  return new Store(deps)
}

/** Its calls are own properties: a store can be wrapped by spreading it into another object. */
class Store implements ImageStore {
  readonly #paths: DataPaths['images']
  readonly #platform: Platform
  readonly #layers: LayerStore
  readonly #records: ImageRecords
  readonly #local: LocalImages
  readonly #saving: SaveDeps
  readonly #importing: ImportDeps
  readonly #starter: StarterImage
  readonly #fetchers: readonly ImageFetcher[]
  readonly #logger: Logger

  constructor(deps: ImageStoreDeps) {
    const { paths, logger, now = Date.now, ingest = ingestOnThread } = deps
    this.#paths = paths
    this.#fetchers = deps.fetchers ?? [registryFetcher(plainRegistryDeps)]
    this.#logger = logger
    this.#platform = guestPlatform(deps.arch ?? process.arch)
    this.#layers = new LayerStore({ paths, logger, ingest })
    this.#records = new ImageRecords(paths, logger)
    this.#saving = { paths, layers: this.#layers, records: this.#records, now }
    this.#importing = { ...this.#saving, platform: this.#platform }
    this.#local = new LocalImages({ ...this.#saving, logger, builtIn: starterReference })
    this.#starter = new StarterImage({
      layout: deps.starterLayout,
      platform: this.#platform,
      local: this.#local,
      saving: this.#saving,
      logger,
    })
  }

  readonly list = async (): Promise<ImageView[]> => {
    const views = await this.#local.list()
    if (!views.some(({ reference }) => reference === STARTER)) {
      const unused = await this.#starter.unusedView()
      if (unused) views.push(unused)
    }
    return views.toSorted((a, b) => a.reference.localeCompare(b.reference, 'en'))
  }

  readonly find = async (reference: string): Promise<StoredImage | undefined> => {
    const { canonical, digest } = readName(reference)
    if (canonical === starterReference && this.#starter.isInstalled) return this.#starter.ensure({})
    return this.#local.find(canonical, digest)
  }

  readonly view = async (reference: string): Promise<ImageView> =>
    this.#local.complete((await this.#mustFind(reference)).view)

  readonly ensure = async (reference: string, options: ImageOperation): Promise<StoredImage> => {
    const { canonical, digest } = readName(reference)
    if (canonical === starterReference) return this.pull(reference, options)
    const found = await this.#local.find(canonical, digest)
    if (found) checkRunsHere(found.view.platform, this.#platform)
    return found ?? this.#fetch(reference, options, this.#fetchers)
  }

  readonly pull = (reference: string, options: PullOptions): Promise<StoredImage> => {
    const { from = 'remote' } = options
    const asked = this.#fetchers.filter(({ place }) => place === from)
    return this.#fetch(reference, options, asked)
  }

  async #fetch(
    reference: string,
    { onProgress = () => undefined, platform, plainHttp = false, signal }: PullOptions,
    fetchers: readonly ImageFetcher[],
  ): Promise<StoredImage> {
    const { canonical } = readName(reference)
    if (canonical === undefined)
      throw noSuchImage(
        reference,
        'A digest alone does not say where to get an image. Give a name: NAME@sha256:…',
      )
    return inContext(`pull ${reference}`, async () => {
      if (canonical === starterReference) {
        return this.#starter.ensure({ onProgress, ...(signal ? { signal } : {}) })
      }
      const parsed = parseReference(reference)
      onProgress({ stage: 'image', message: `Pulling ${familiarReference(parsed)}` })
      const request = {
        reference: parsed,
        platform: platform === undefined ? this.#platform : parsePlatform(platform),
        plainHttp,
        signal: signal ?? new AbortController().signal,
        onProgress,
      }
      const store: StoreFetched = (image) => storeFetched(this.#saving, image, request)
      try {
        await fetchImage(fetchers, request, store, this.#logger)
      } catch (error) {
        const unasked = this.#fetchers.filter((fetcher) => !fetchers.includes(fetcher))
        throw await hintAtLocal(MicrovmError.from(error), unasked, request)
      }
      return this.#local.mustFind(canonical)
    })
  }

  readonly importPath = async (path: string, options: ImportOptions): Promise<StoredImage> =>
    inContext(`import ${path}`, async () =>
      this.#local.mustFind(await importFile(this.#importing, path, path, options)),
    )

  readonly importStream = async (
    archive: AsyncIterable<Buffer>,
    options: ImportOptions,
  ): Promise<StoredImage> =>
    inContext('import an archive', async () =>
      this.#local.mustFind(await importArchive(this.#importing, archive, options)),
    )

  readonly exportImage = async (
    reference: string,
    format: ExportFormat,
    signal: AbortSignal,
    onSize?: (bytes: number) => void,
  ): Promise<AsyncIterable<Buffer>> => {
    const image = await this.#mustFind(reference)
    const record = await this.#records.readImage(image.view.digest)
    if (!record) throw noSuchImage(reference, 'Pull or import it again.')
    const { canonical } = readName(reference)
    const isNamed =
      canonical !== undefined && (await this.#records.readRef(canonical)) !== undefined
    return exportImage(
      this.#paths.layers,
      {
        config: await this.#records.readConfig(record),
        diffIds: record.parsed.diffIds,
        names: isNamed ? [canonical] : [],
        tree: () => this.tree(image, signal),
        onSize,
      },
      format,
      signal,
    )
  }

  readonly tag = async (reference: string, name: string): Promise<StoredImage> => {
    const canonical = readImportName(name)
    const { digest } = (await this.#mustFind(reference)).view
    await withFileLock(this.#paths.lock, async () => {
      if (!(await this.#records.readImage(digest)))
        throw noSuchImage(reference, 'It has just been removed.')
      await this.#records.writeRef({ reference: canonical, digest, pulledAt: this.#saving.now() })
    })
    return this.#local.mustFind(canonical)
  }

  readonly prune = (options: PruneOptions): Promise<PruneReport> =>
    pruneImages(this.#saving, options)

  async #mustFind(reference: string): Promise<StoredImage> {
    const found = await this.find(reference)
    if (found) return found
    throw noSuchImage(reference, 'See what there is: microvm images')
  }

  readonly remove = async (reference: string): Promise<void> => {
    const { canonical, digest } = readName(reference)
    await withFileLock(this.#paths.lock, async () => {
      const ref = canonical === undefined ? undefined : await this.#records.readRef(canonical)
      const wanted = ref?.digest ?? digest
      const image = wanted === undefined ? undefined : await this.#records.readImage(wanted)
      if (image) await removeImage(this.#saving, image, ref?.reference)
      // A name whose image has been set aside as damaged can still be taken away.
      else if (ref) await this.#records.removeRef(ref.reference)
      else if (canonical === starterReference)
        throw new MicrovmError('CONFLICT', 'the starter image comes with the app')
      else throw noSuchImage(reference, 'See what there is: microvm images')
    })
  }

  readonly markUsed = async (reference: string): Promise<void> => {
    const { canonical } = readName(reference)
    if (canonical === undefined) return
    await withFileLock(this.#paths.lock, async () => {
      const ref = await this.#records.readRef(canonical)
      if (ref) await this.#records.writeRef({ ...ref, lastUsedAt: this.#saving.now() })
    })
  }

  readonly tree = async (image: StoredImage, signal?: AbortSignal): Promise<FsTree> =>
    buildFsTree(await Promise.all(image.layers.map((layer) => this.#contentOf(layer))), signal)

  readonly graft = async (tree: FsTree, layer: LayerData): Promise<FsTree> =>
    graftBundle(tree, await this.#contentOf(layer))

  readonly ensureLayer = async (tarPath: string, signal?: AbortSignal): Promise<LayerData> => {
    const { size } = await stat(tarPath)
    const source = { kind: 'file', path: tarPath, offset: 0, size } as const
    const diffId = await digestOfBlob(source, signal ?? new AbortController().signal)
    const options = { totals: newTotals(), ...(signal ? { signal } : {}) }
    return inContext(`take in ${tarPath}`, () => this.#layers.ensure({ diffId, source }, options))
  }

  async #contentOf(data: LayerData): Promise<LayerContent> {
    const { hasWhiteouts, list } = await this.#layers.index(data.diffId)
    return { data, hasWhiteouts, list }
  }
}

async function inContext<T>(context: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const known = MicrovmError.from(error)
    throw known.code === 'CANCELLED' ? known : MicrovmError.inContext(context, known)
  }
}
