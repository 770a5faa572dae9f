// SPDX-License-Identifier: Apache-2.0
// Takes what a fetcher hands over into the store, under the name it was asked for. Here it is checked
// that it is one image, the one that was meant, and that its parts belong together; the layers are
// checked when they are taken in.
// An archive is written to a file of the store first: what says which of its members are layers, and of
// what, comes last in those of Docker and Podman.
import { mkdir, rm } from 'node:fs/promises'
import { isDeepStrictEqual } from 'node:util'
import { MicrovmError } from '../../contract/errors'
import type { OnProgress } from '../../contract/images'
import { checkDigest, digestOf } from './digest'
import type { FetchedImage, ImageRequest } from './fetcher'
import { withImageFile, writeBounded } from './formats/image-file'
import { checkFreeSpace, saveImage, type SaveDeps } from './formats/save-image'
import { checkConfig, type ImageContent } from './image-content'
import { parseManifest } from './manifest'
import { canonicalReference, familiarReference } from './reference'

const TELL_EVERY_MS = 100

/** @throws IMAGE_INVALID, DIGEST_MISMATCH, and as `withImageFile` and `saveImage` */
export async function storeFetched(
  deps: SaveDeps,
  image: FetchedImage,
  request: ImageRequest,
): Promise<void> {
  const { reference, signal, onProgress } = request
  const name = familiarReference(reference)
  const from = image.from === undefined ? '' : ` from ${image.from}`
  const save = async (content: ImageContent): Promise<void> => {
    checkContent(content, image.id, request)
    await saveImage(deps, content, {
      reference: canonicalReference(reference),
      message: `Pulling ${name}${from}`,
      onProgress,
      signal,
    })
  }
  if (image.kind === 'content') return save(image.content)
  const { temps } = deps.layers
  await mkdir(deps.paths.layers, { recursive: true, mode: 0o700 })
  await temps.whileWriting(async () => {
    const spool = temps.newPath()
    try {
      if (image.kind === 'archive') {
        await checkFreeSpace(deps.paths.layers, image.bytes ?? 0)
        const message = `Copying ${name}${from}`
        await writeBounded(spool, told(image, message, onProgress), signal)
      }
      const path = image.kind === 'archive' ? spool : image.path
      const choice = { ...request, reference: canonicalReference(reference) }
      await withImageFile(path, temps.newPath(), choice, ({ content }) => save(content))
    } finally {
      await rm(spool, { force: true })
    }
  })
}

/** That it is what was asked for, and that its manifest, config and layers belong together. */
function checkContent(
  content: ImageContent,
  id: string | undefined,
  { platform, reference }: ImageRequest,
): void {
  const { config, digest, layers, startDigest } = content
  checkDigest('its manifest', digest, digestOf(content.manifest))
  const manifest = parseManifest(content.manifest)
  if (manifest.kind !== 'image') throw new MicrovmError('IMAGE_INVALID', 'its manifest is an index')
  const configDigest = digestOf(config)
  checkDigest('its config', manifest.config.digest, configDigest)
  const { diffIds } = checkConfig(config, manifest.layers.length, platform)
  const isWhole = isDeepStrictEqual(
    layers.map((layer) => [layer.diffId, layer.digest ?? layer.diffId]),
    manifest.layers.map((layer, index) => [diffIds[index], layer.digest]),
  )
  if (!isWhole) throw new MicrovmError('IMAGE_INVALID', 'its layers are not those of its manifest')
  const names = [digest, startDigest]
  const { digest: wanted } = reference
  if (wanted !== undefined && !names.includes(wanted)) checkDigest('the image', wanted, digest)
  if (id !== undefined && ![...names, configDigest].includes(id))
    throw new MicrovmError('IMAGE_INVALID', `image ${configDigest} came in place of ${id}`)
}

async function* told(
  { archive, bytes }: FetchedImage & { kind: 'archive' },
  message: string,
  onProgress: OnProgress,
): AsyncGenerator<Buffer, void> {
  let done = 0
  let toldAt = -Infinity
  for await (const chunk of archive) {
    done += chunk.length
    yield chunk
    const now = performance.now()
    if (now - toldAt < TELL_EVERY_MS) continue
    toldAt = now
    const fraction = bytes ? { fraction: Math.min(done / bytes, 1) } : {}
    onProgress({ stage: 'image', message, ...fraction })
  }
}
