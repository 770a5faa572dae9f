// SPDX-License-Identifier: Apache-2.0
// The image that comes with the app: an OCI layout in its installation, taken into the store at the
// first use, and again when an update of the app has brought another one.
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { MicrovmError } from '../../contract/errors'
import type { ImageView } from '../../contract/images'
import type { Logger } from '../lib/logger'
import { folderOnDisk } from './formats/image-folder'
import { STARTER, starterReference } from './image-names'
import { viewUnused } from './image-views'
import type { LocalImages, StoredImage } from './local-images'
import { resolveFromLayout, type FoundImage } from './formats/oci-layout'
import type { Platform } from './platform'
import { saveImage, type SaveDeps, type SaveOptions } from './formats/save-image'

export interface StarterDeps {
  /** Folder with the layout, if it is installed. */
  readonly layout: string | undefined
  readonly platform: Platform
  readonly local: LocalImages
  readonly saving: SaveDeps
  readonly logger: Logger
}

export class StarterImage {
  readonly #deps: StarterDeps

  constructor(deps: StarterDeps) {
    this.#deps = deps
  }

  get isInstalled(): boolean {
    return this.#deps.layout !== undefined
  }

  /** @throws IMAGE_NOT_FOUND if it is not installed, and as `saveImage` */
  async ensure(options: Pick<SaveOptions, 'onProgress' | 'signal'>): Promise<StoredImage> {
    const { local, saving } = this.#deps
    const { content } = await this.#resolve(options.signal)
    const stored = await local.find(starterReference, undefined)
    if (stored?.view.digest === content.digest) return stored
    const message = 'Unpacking the starter image'
    await saveImage(saving, content, { ...options, reference: starterReference, message })
    return local.mustFind(starterReference)
  }

  /** What a list shows of it while nothing of it is stored. */
  async unusedView(): Promise<ImageView | undefined> {
    const { layout, logger } = this.#deps
    if (layout === undefined) return undefined
    try {
      const { content } = await this.#resolve()
      const { mtimeMs } = await stat(join(layout, 'index.json'))
      return viewUnused(STARTER, content, Math.round(mtimeMs))
    } catch (error) {
      logger.warn('the starter image cannot be read', { path: layout, error })
      return undefined
    }
  }

  async #resolve(signal?: AbortSignal): Promise<FoundImage> {
    const { layout, platform } = this.#deps
    if (layout === undefined)
      throw new MicrovmError('IMAGE_NOT_FOUND', 'the starter image is not installed', {
        hint: 'Run npm run setup, or choose another image.',
      })
    return resolveFromLayout(folderOnDisk(layout), { platform, ...(signal ? { signal } : {}) })
  }
}
