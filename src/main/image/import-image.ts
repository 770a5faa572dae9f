// SPDX-License-Identifier: Apache-2.0
// Images from files: an OCI layout (folder or archive), a `docker save` archive, a tar of a system's files.
import { mkdir, rm } from 'node:fs/promises'
import type { OnProgress } from '../../contract/images'
import { importedName, withImageFile, writeBounded } from './formats/image-file'
import type { FoundImage } from './formats/oci-layout'
import { saveImage, type SaveDeps } from './formats/save-image'
import { readImportName } from './image-names'
import type { Platform } from './platform'
import { familiarReference, parseReference } from './reference'

export interface ImportDeps extends SaveDeps {
  readonly platform: Platform
}

export interface ImportOptions {
  /** The name it gets, and which image is meant if there are several. */
  readonly reference?: string
  readonly onProgress?: OnProgress
  readonly signal?: AbortSignal
}

/**
 * @param fileName makes the name of an image that brings none
 * @returns the canonical name it has now
 */
export async function importFile(
  deps: ImportDeps,
  path: string,
  fileName: string,
  options: ImportOptions,
): Promise<string> {
  const { reference, signal } = options
  if (reference !== undefined) readImportName(reference)
  await mkdir(deps.paths.layers, { recursive: true, mode: 0o700 })
  const choice = {
    platform: deps.platform,
    ...(reference === undefined ? {} : { reference }),
    ...(signal ? { signal } : {}),
  }
  const save = async (found: FoundImage): Promise<string> => {
    const name = readImportName(reference ?? importedName(found.name, fileName))
    const message = `Importing ${familiarReference(parseReference(name))}`
    await saveImage(deps, found.content, { ...options, reference: name, message })
    return name
  }
  const { temps } = deps.layers
  return temps.whileWriting(() => withImageFile(path, temps.newPath(), choice, save))
}

/** As `importFile`, of an archive that comes as a stream. */
export async function importArchive(
  deps: ImportDeps,
  archive: AsyncIterable<Buffer>,
  options: ImportOptions,
): Promise<string> {
  await mkdir(deps.paths.layers, { recursive: true, mode: 0o700 })
  const { temps } = deps.layers
  const path = temps.newPath()
  return temps.whileWriting(async () => {
    try {
      await writeBounded(path, archive, options.signal)
      return await importFile(deps, path, 'image.tar', options)
    } finally {
      await rm(path, { force: true })
    }
  })
}
