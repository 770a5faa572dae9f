// SPDX-License-Identifier: Apache-2.0
// Which images the table shows and in which order. Pure.
import type { ImageView } from '../../../contract/images'

export type ImageSortColumn = 'reference' | 'size' | 'own' | 'layers' | 'used'
export interface ImageSort {
  readonly column: ImageSortColumn
  readonly descending: boolean
}

const byReference = new Intl.Collator('en', { numeric: true })

/** True if every word of the filter occurs in the image's name, platform or digest. */
function matchesFilter(
  { reference, platform, digest }: Pick<ImageView, 'reference' | 'platform' | 'digest'>,
  filter: string,
): boolean {
  const text = `${reference} ${platform} ${digest}`.toLowerCase()
  return filter
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word))
}

/** Those that match, sorted; equal ones by name. Numbers begin with the largest, times with the latest. */
export function visibleImages(
  images: readonly ImageView[],
  filter: string,
  { column, descending }: ImageSort,
): ImageView[] {
  const sign = descending ? -1 : 1
  return images
    .filter((image) => matchesFilter(image, filter))
    .toSorted((a, b) => sign * compare(a, b, column) || compare(a, b, 'reference'))
}

function compare(a: ImageView, b: ImageView, column: ImageSortColumn): number {
  if (column === 'reference') return byReference.compare(a.reference, b.reference)
  return amount(b, column) - amount(a, column)
}

function amount(image: ImageView, column: Exclude<ImageSortColumn, 'reference'>): number {
  if (column === 'size') return image.size
  if (column === 'own') return image.ownSize
  return column === 'layers' ? image.layers.length : (image.lastUsedAt ?? 0)
}

/**
 * Bytes on disk of all layers of these images, each once. Before its first use the starter image tells packed
 * sizes, also of a layer that another image has brought.
 */
export function spaceOf(images: readonly ImageView[]): number {
  const sizes = new Map<string, number>()
  for (const { layers } of images)
    for (const { diffId, sizeOnDisk } of layers)
      sizes.set(diffId, Math.max(sizeOnDisk, sizes.get(diffId) ?? 0))
  return [...sizes.values()].reduce((sum, size) => sum + size, 0)
}
