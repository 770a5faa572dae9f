// SPDX-License-Identifier: Apache-2.0
// Where an image's registry is, and what stands before it: the user's mirrors. Everything it takes
// to read one repository, in a form that can be sent to another thread of this process.
import { MicrovmError } from '../../../contract/errors'
import type { Credential } from './credentials'
import { quote } from '../digest'
import type { ImageReference } from '../reference'
import type { Authorization } from './registry-auth'
import { isLoopback, type NetworkSettings } from './registry-network'
import type { RegistrySettings } from './registry-settings'

export interface EndpointAccess {
  /** "https://registry.example:5000" */
  readonly origin: string
  readonly repository: string
  /** The name its login goes by. */
  readonly registry: string
  readonly tokenHosts: readonly string[]
  /** Got before. */
  readonly authorization?: Authorization
  readonly credential?: Credential
}

export interface RegistryAccess {
  /** In the order they are asked: mirrors, at last the registry itself. */
  readonly endpoints: readonly EndpointAccess[]
  readonly network: NetworkSettings
}

/** Docker Hub's registry is not at the name it goes by. */
const apiHosts: Partial<Record<string, string>> = { 'docker.io': 'registry-1.docker.io' }

/**
 * HTTPS, but plain HTTP to a registry on this computer, or where the user wants it.
 * @throws REFERENCE_INVALID for a host or port that cannot be; INVALID_ARGUMENT for a mirror that
 *   is not reached safely
 */
export function registryAccess(
  reference: Pick<ImageReference, 'registry' | 'repository'>,
  settings: RegistrySettings,
  network: NetworkSettings,
): RegistryAccess {
  const { registry, repository } = reference
  const host = apiHosts[registry] ?? registry
  const tokenHostsOf = (name: string): readonly string[] => settings.tokenHosts[name] ?? []
  const mirrors = (settings.mirrors[registry] ?? []).map((address): EndpointAccess => {
    const { host: mirror, origin, pathname, protocol } = new URL(address)
    if (protocol === 'http:' && !isPlain(mirror, settings))
      throw new MicrovmError('INVALID_ARGUMENT', `the mirror ${quote(address)} is not secure`, {
        hint: 'Give it with https, or list its host under plainHttp as well.',
      })
    const prefix = pathname.replace(/^\/+|\/+$/g, '')
    return {
      origin,
      repository: prefix === '' ? repository : `${prefix}/${repository}`,
      registry: mirror,
      tokenHosts: tokenHostsOf(mirror),
    }
  })
  if (!URL.canParse(`https://${host}`))
    throw new MicrovmError('REFERENCE_INVALID', `${quote(registry)} cannot be a registry's address`)
  const origin = `${isPlain(host, settings) ? 'http' : 'https'}://${host}`
  const itself = { origin, repository, registry, tokenHosts: tokenHostsOf(registry) }
  return { endpoints: [...mirrors, itself], network }
}

const isPlain = (host: string, { plainHttp }: RegistrySettings): boolean =>
  plainHttp.includes(host) || isLoopback(new URL(`https://${host}`).hostname)
