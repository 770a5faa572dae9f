// SPDX-License-Identifier: Apache-2.0
// The images that are in the store: all of them for a list, one of them if it is whole.
import { MicrovmError } from '../../contract/errors'
import type { ImageFacts, ImageView } from '../../contract/images'
import type { Logger } from '../lib/logger'
import type { LayerData } from './tree/fs-tree'
import type { ImageRecords } from './image-records'
import { viewImage, viewImages, type NamedImage } from './image-views'
import type { LayerStore } from './layers/layer-store'
import { familiarReference, parseReference } from './reference'
import { readAllImages } from './remove-image'

export interface StoredImage {
  readonly view: ImageFacts
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
   * Reads nothing of other images. One found by its digest goes by that.
   * @param reference canonical
   * @param digest of the manifest: finds the image also if the name does not
   * @returns undefined, too, if a layer of it is missing
   */
  async find(
    reference: string | undefined,
    digest: string | undefined,
  ): Promise<StoredImage | undefined> {
    const { builtIn, layers, logger, records } = this.#deps
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
    const image = { record, ...(ref ? { ref } : {}), builtIn: ref?.reference === builtIn }
    return { view: await viewImage(layers, image), layers: whole }
  }

  /** What a list shows of an image that was found. @throws CONFLICT */
  async complete({ digest, reference }: ImageFacts): Promise<ImageView> {
    const all = await this.#listNamed()
    const same = all.filter(({ record }) => record.digest === digest)
    const image = same.find(({ ref }) => ref && nameOf(ref) === reference) ?? same[0]
    if (image === undefined) throw new MicrovmError('CONFLICT', 'the image has just been removed')
    return (await viewImages(this.#deps.layers, [image], all))[0]!
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

const nameOf = ({ reference }: { reference: string }): string =>
  familiarReference(parseReference(reference))
