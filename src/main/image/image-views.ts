// SPDX-License-Identifier: Apache-2.0
// Stored images as app and command line show them, with what they really take on the disk.
import type { ImageFacts, ImageLayer, ImageView } from '../../contract/images'
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
  const facts = await factsOfLayers(store, images)
  return images.map((image) => {
    const view = viewAlone(image, facts)
    const own = unique(view.layers).filter(({ diffId }) => owners.get(diffId) === 1)
    return { ...view, ownSize: sizeOf(own) }
  })
}

/** One image by itself: its cost does not depend on how many others there are. */
export async function viewImage(store: LayerStore, image: NamedImage): Promise<ImageFacts> {
  return viewAlone(image, await factsOfLayers(store, [image]))
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

async function factsOfLayers(
  store: LayerStore,
  images: readonly NamedImage[],
): Promise<ReadonlyMap<string, LayerFacts>> {
  const needed = new Set(images.flatMap(({ record }) => record.parsed.diffIds))
  const facts = [...needed].map(async (id) => [id, await layerFacts(store, id)] as const)
  return new Map(await Promise.all(facts))
}

function viewAlone(
  { record, ref, builtIn }: NamedImage,
  facts: ReadonlyMap<string, LayerFacts>,
): ImageFacts {
  const { parsed, digest } = record
  const layers: ImageLayer[] = parsed.diffIds.map((diffId, index) => ({
    diffId,
    blobSize: record.layers[index]!.size,
    ...facts.get(diffId)!,
    createdBy: parsed.createdBy[index]!,
  }))
  return {
    reference: ref ? familiarReference(parseReference(ref.reference)) : digest,
    digest,
    platform: platformName(parsed.platform),
    layers,
    config: parsed.config,
    size: sizeOf(unique(layers)),
    ...(parsed.createdAt === undefined ? {} : { createdAt: parsed.createdAt }),
    pulledAt: ref?.pulledAt ?? 0,
    ...(ref?.lastUsedAt === undefined ? {} : { lastUsedAt: ref.lastUsedAt }),
    builtIn,
  }
}

/** A layer may be in an image twice; it is on the disk once. */
const unique = (layers: readonly ImageLayer[]): ImageLayer[] => [
  ...new Map(layers.map((layer) => [layer.diffId, layer])).values(),
]

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
