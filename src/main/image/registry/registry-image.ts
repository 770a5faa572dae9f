// SPDX-License-Identifier: Apache-2.0
// Images in registries, as content that can be stored.
import type { CredentialSource } from './credentials'
import { resolveContent, type ContentProvider, type ImageContent } from '../image-content'
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

export interface RegistryChoice {
  readonly platform: Platform
  /** Reach the registry without encryption, wherever it is. */
  readonly plainHttp?: boolean
  readonly signal?: AbortSignal
}

/** Registries as they are without any setting, and nobody signed in. */
export const plainRegistryDeps: RegistryDeps = {
  network: networkSettings({}),
  settings: async () => ({ mirrors: {}, plainHttp: [], tokenHosts: {} }),
}

/**
 * Looks an image up and hands it to `use`; sources of its layers are good until that ends.
 * @throws as `registryAccess`, `resolveContent` and the client's calls
 */
export async function withRegistryImage<T>(
  { credentials, network, settings: readSettings }: RegistryDeps,
  reference: ImageReference,
  { platform, plainHttp = false, signal }: RegistryChoice,
  use: (content: ImageContent) => Promise<T>,
): Promise<T> {
  const settings = await readSettings()
  const plain = plainHttp ? [...settings.plainHttp, reference.registry] : settings.plainHttp
  const access = registryAccess(reference, { ...settings, plainHttp: plain }, network)
  const client = new RegistryClient(access, credentials ? { credentials } : {})
  try {
    return await use(await resolveFromRegistry(client, reference, platform, signal))
  } finally {
    client.close()
  }
}

async function resolveFromRegistry(
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
