// SPDX-License-Identifier: Apache-2.0
// What the image field offers for what is typed: images that are here first, then what would be
// pulled, then a file. Pure.
import type { ImageView } from '../../../../contract/images'

export type ImageChoice =
  | { readonly kind: 'cached'; readonly reference: string; readonly size: number }
  | { readonly kind: 'pull'; readonly reference: string }
  | { readonly kind: 'import'; readonly from: 'archive' | 'folder' }

const CACHED_SHOWN = 6

/** `typed` is '' to offer everything. */
export function imageChoices(typed: string, images: readonly ImageView[]): ImageChoice[] {
  const query = typed.trim().toLowerCase()
  const cached = images
    .filter((image) => image.reference.toLowerCase().includes(query))
    .toSorted((a, b) => lastUse(b) - lastUse(a))
    .slice(0, CACHED_SHOWN)
    .map(({ reference, size }): ImageChoice => ({ kind: 'cached', reference, size }))
  const pull: ImageChoice[] =
    looksLikeReference(typed) && findImage(typed, images) === undefined
      ? [{ kind: 'pull', reference: typed.trim() }]
      : []
  return [
    ...cached,
    ...pull,
    { kind: 'import', from: 'archive' },
    { kind: 'import', from: 'folder' },
  ]
}

/** The image that is here under this name; ":latest" may be left out. */
export function findImage(typed: string, images: readonly ImageView[]): ImageView | undefined {
  const wanted = withTag(typed.trim())
  return images.find((image) => withTag(image.reference) === wanted)
}

/** The image to propose: the one used last, else the starter. */
export function proposedImage(images: readonly ImageView[]): string {
  return images.toSorted((a, b) => lastUse(b) - lastUse(a))[0]?.reference ?? 'starter'
}

function lastUse(image: ImageView): number {
  return image.lastUsedAt ?? image.pulledAt
}

function withTag(reference: string): string {
  const last = reference.slice(reference.lastIndexOf('/') + 1)
  return /[:@]/.test(last) ? reference : `${reference}:latest`
}

/** Rough: main knows the grammar and says exactly what is wrong. */
function looksLikeReference(typed: string): boolean {
  return /^[a-z0-9][A-Za-z0-9._/:@-]*$/.test(typed.trim())
}
