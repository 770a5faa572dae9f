// SPDX-License-Identifier: Apache-2.0
// An image in a registry, as content that can be stored.
import { resolveContent, type ContentProvider, type ImageContent } from './image-content'
import type { Platform } from './platform'
import type { ImageReference } from './reference'
import type { RegistryClient } from './registry-client'

/** @throws as `resolveContent` and the client's calls */
export async function resolveFromRegistry(
  client: RegistryClient,
  reference: ImageReference,
  wanted: Platform,
  signal?: AbortSignal,
): Promise<ImageContent> {
  const provider: ContentProvider = {
    manifest: (digest) => client.manifest(digest, signal),
    smallBlob: ({ digest }, max) => client.smallBlob(digest, max, signal),
    source: ({ digest, size }) => ({ kind: 'registry', access: client.access, digest, size }),
  }
  // A digest says more than the tag beside it.
  const start = await client.manifest(reference.digest ?? reference.tag!, signal)
  return resolveContent(provider, start, wanted, signal)
}
