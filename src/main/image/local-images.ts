// SPDX-License-Identifier: Apache-2.0
// The images that are in the store: all of them for a list, one of them if it is whole.
import { MicrovmError } from '../../contract/errors'
import type { ImageView } from '../../contract/images'
import type { Logger } from '../lib/logger'
import type { LayerData } from './tree/fs-tree'
import type { ImageRecord, ImageRecords } from './image-records'
import { viewImages, type NamedImage } from './image-views'
import type { LayerStore } from './layers/layer-store'
import { readAllImages } from './remove-image'

export interface StoredImage {
  readonly view: ImageView
  /** Bottom to top. */
  readonly layers: readonly LayerData[]
}

export interface LocalImagesDeps {
  readonly layers: LayerStore
  readonly records: ImageRecords
  readonly logger: Logger
  /** Canonical name of the image that comes with the app. */
  readonly builtIn: string
}

export class LocalImages {
  readonly #deps: LocalImagesDeps

  constructor(deps: LocalImagesDeps) {
    this.#deps = deps
  }

  /** One for each name, and one for each image without a name. */
  async list(): Promise<ImageView[]> {
    const all = await this.#listNamed()
    return viewImages(this.#deps.layers, all, all)
  }

  /**
   * @param reference canonical
   * @param digest of the manifest: finds the image also if the name does not
   * @returns undefined, too, if a layer of it is missing
   */
  async find(
    reference: string | undefined,
    digest: string | undefined,
  ): Promise<StoredImage | undefined> {
    const { layers, logger, records } = this.#deps
    const ref = reference === undefined ? undefined : await records.readRef(reference)
    const wanted = ref?.digest ?? digest
    const record = wanted === undefined ? undefined : await records.readImage(wanted)
    if (record === undefined) return undefined
    const found = await Promise.all(record.parsed.diffIds.map((diffId) => layers.find(diffId)))
    const whole = found.filter((layer) => layer !== undefined)
    if (whole.length < found.length) {
      logger.warn('an image lacks layers', { digest: record.digest, reference })
      return undefined
    }
    const all = await this.#listNamed()
    const [view] = await viewImages(layers, [pickName(all, record, ref?.reference)], all)
    return { view: view!, layers: whole }
  }

  /** As `find`, of an image that has just been stored. @throws CONFLICT */
  async mustFind(reference: string): Promise<StoredImage> {
    const found = await this.find(reference, undefined)
    if (found) return found
    throw new MicrovmError('CONFLICT', 'the image was removed while it was being stored')
  }

  async #listNamed(): Promise<NamedImage[]> {
    const { builtIn, records } = this.#deps
    const [refs, images] = await Promise.all([records.listRefs(), readAllImages(records)])
    return images.flatMap((record): NamedImage[] => {
      const own = refs.filter(({ digest }) => digest === record.digest)
      if (own.length === 0) return [{ record, builtIn: false }]
      return own.map((ref) => ({ record, ref, builtIn: ref.reference === builtIn }))
    })
  }
}

/** The image under the name it was asked by, else under any that it has. */
function pickName(
  all: readonly NamedImage[],
  record: ImageRecord,
  reference: string | undefined,
): NamedImage {
  const own = all.filter((image) => image.record.digest === record.digest)
  const exact = own.find(({ ref }) => reference !== undefined && ref?.reference === reference)
  return exact ?? own[0] ?? { record, builtIn: false }
}
