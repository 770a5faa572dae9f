// SPDX-License-Identifier: Apache-2.0
// Images in registries, as content that can be stored.
import type { CredentialSource } from './credentials'
import { resolveContent, type ContentProvider, type ImageContent } from '../image-content'
import type { ImageFetcher, ImageRequest } from '../fetcher'
import type { Platform } from '../platform'
import type { ImageReference } from '../reference'
import { registryAccess } from './registry-access'
import { RegistryClient } from './registry-client'
import { networkSettings, type NetworkSettings } from './registry-network'
import type { RegistrySettings } from './registry-settings'

export interface RegistryDeps {
  readonly network: NetworkSettings
  readonly settings: () => Promise<RegistrySettings>
  readonly credentials?: CredentialSource
}

/** Registries as they are without any setting, and nobody signed in. */
export const plainRegistryDeps: RegistryDeps = {
  network: networkSettings({}),
  settings: async () => ({ mirrors: {}, plainHttp: [], tokenHosts: {} }),
}

/**
 * The registry that a name means, and its mirrors before it.
 * Its fetch throws as `registryAccess`, `resolveContent` and the client's calls.
 */
export const registryFetcher = (deps: RegistryDeps): ImageFetcher => ({
  name: 'the registry',
  place: 'remote',
  fetch: async (request, store) => {
    await withClient(deps, request, async (client) => {
      const { platform, reference, signal } = request
      await store({
        kind: 'content',
        content: await resolveFromRegistry(client, reference, platform, signal),
      })
    })
    return { found: true }
  },
})

async function withClient(
  { credentials, network, settings: readSettings }: RegistryDeps,
  { plainHttp = false, reference }: ImageRequest,
  use: (client: RegistryClient) => Promise<void>,
): Promise<void> {
  const settings = await readSettings()
  const plain = plainHttp ? [...settings.plainHttp, reference.registry] : settings.plainHttp
  const access = registryAccess(reference, { ...settings, plainHttp: plain }, network)
  const client = new RegistryClient(access, credentials ? { credentials } : {})
  try {
    await use(client)
  } finally {
    client.close()
  }
}

async function resolveFromRegistry(
  client: RegistryClient,
  reference: ImageReference,
  wanted: Platform,
  signal: AbortSignal,
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
