// SPDX-License-Identifier: Apache-2.0
// Stored images as app and command line show them, with what they really take on the disk.
import type { ImageLayer, ImageView } from '../../contract/images'
import type { ImageContent } from './image-content'
import type { ImageRecord, RefRecord } from './image-records'
import type { LayerStore } from './layers/layer-store'
import { platformName } from './platform'
import { familiarReference, parseReference } from './reference'

export interface NamedImage {
  readonly record: ImageRecord
  /** Absent for an image that lost its name to a newer one. */
  readonly ref?: RefRecord
  readonly builtIn: boolean
}

interface LayerFacts {
  readonly sizeOnDisk: number
  readonly entries: number
}

/**
 * @param images the ones to show
 * @param all every image there is, for what they share
 */
export async function viewImages(
  store: LayerStore,
  images: readonly NamedImage[],
  all: readonly NamedImage[],
): Promise<ImageView[]> {
  const owners = countOwners(all)
  const needed = new Set(images.flatMap(({ record }) => record.parsed.diffIds))
  const facts = new Map(
    await Promise.all(
      [...needed].map(async (diffId) => [diffId, await layerFacts(store, diffId)] as const),
    ),
  )
  return images.map((image) => viewImage(image, facts, owners))
}

/** The built-in image before its first use, when nothing of it is in the store. */
export function viewUnused(
  reference: string,
  { digest, parsed, layers }: ImageContent,
  since: number,
): ImageView {
  const size = layers.reduce((sum, { blobSize }) => sum + blobSize, 0)
  return {
    reference,
    digest,
    platform: platformName(parsed.platform),
    layers: layers.map(({ diffId, blobSize }, index) => ({
      diffId,
      blobSize,
      sizeOnDisk: blobSize,
      entries: 0,
      createdBy: parsed.createdBy[index]!,
    })),
    config: parsed.config,
    size,
    ownSize: size,
    ...(parsed.createdAt === undefined ? {} : { createdAt: parsed.createdAt }),
    pulledAt: since,
    builtIn: true,
  }
}

function viewImage(
  { record, ref, builtIn }: NamedImage,
  facts: ReadonlyMap<string, LayerFacts>,
  owners: ReadonlyMap<string, number>,
): ImageView {
  const { parsed, digest } = record
  const layers: ImageLayer[] = parsed.diffIds.map((diffId, index) => ({
    diffId,
    blobSize: record.layers[index]!.size,
    ...facts.get(diffId)!,
    createdBy: parsed.createdBy[index]!,
  }))
  const unique = [...new Map(layers.map((layer) => [layer.diffId, layer])).values()]
  const own = unique.filter(({ diffId }) => owners.get(diffId) === 1)
  return {
    reference: ref ? familiarReference(parseReference(ref.reference)) : digest,
    digest,
    platform: platformName(parsed.platform),
    layers,
    config: parsed.config,
    size: sizeOf(unique),
    ownSize: sizeOf(own),
    ...(parsed.createdAt === undefined ? {} : { createdAt: parsed.createdAt }),
    pulledAt: ref?.pulledAt ?? 0,
    ...(ref?.lastUsedAt === undefined ? {} : { lastUsedAt: ref.lastUsedAt }),
    builtIn,
  }
}

const sizeOf = (layers: readonly ImageLayer[]): number =>
  layers.reduce((sum, { sizeOnDisk }) => sum + sizeOnDisk, 0)

/** How many of the images have each layer. */
function countOwners(all: readonly NamedImage[]): Map<string, number> {
  const owners = new Map<string, number>()
  for (const { record } of all)
    for (const diffId of new Set(record.parsed.diffIds))
      owners.set(diffId, (owners.get(diffId) ?? 0) + 1)
  return owners
}

/** A layer that is gone takes nothing; the image is still shown, so that it can be pulled again. */
async function layerFacts(store: LayerStore, diffId: string): Promise<LayerFacts> {
  const layer = await store.find(diffId)
  if (layer === undefined) return { sizeOnDisk: 0, entries: 0 }
  return { sizeOnDisk: await store.sizeOnDisk(diffId), entries: layer.entries }
}
