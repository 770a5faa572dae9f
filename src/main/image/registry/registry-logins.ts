// SPDX-License-Identifier: Apache-2.0
// Signing in to registries and out again, and who is signed in where. A login is kept only after the
// registry has taken it. The app keeps its own, sealed, and uses docker's as well; the command line
// shares docker's.
import { MicrovmError } from '../../../contract/errors'
import type { RegistryLogin } from '../../../contract/registries'
import type { Credential, CredentialSource, CredentialStore } from './credentials'
import { registryAccess } from './registry-access'
import { RegistryClient } from './registry-client'
import { readRegistryName } from './registry-name'
import type { NetworkSettings } from './registry-network'
import type { RegistrySettings } from './registry-settings'

export interface LoginRequest {
  /** "ghcr.io", "localhost:5000"; Docker Hub also by any of its names. */
  readonly registry: string
  readonly username: string
  readonly password: string
  readonly plainHttp?: boolean
  readonly signal?: AbortSignal
}

export interface RegistryLogins extends CredentialSource {
  /** By registry. */
  list(): Promise<RegistryLogin[]>
  /** @throws REGISTRY_DENIED if the registry does not take it; INVALID_ARGUMENT */
  login(request: LoginRequest): Promise<RegistryLogin>
  /** @returns false if nobody was signed in there */
  logout(registry: string): Promise<boolean>
}

export interface LoginsDeps {
  /** In the order they are asked; new logins go to the first. */
  readonly stores: readonly {
    readonly keeper: RegistryLogin['keeper']
    readonly store: CredentialStore
  }[]
  readonly network: NetworkSettings
  readonly settings: () => Promise<RegistrySettings>
}

export function createRegistryLogins({ network, settings, stores }: LoginsDeps): RegistryLogins {
  const inMemory = new Set<string>()
  const find = async (registry: string): Promise<Credential | undefined> => {
    for (const { store } of stores) {
      const found = await store.find(registry)
      if (found) return found
    }
    return undefined
  }
  return {
    find,
    list: async () => {
      const found = new Map<string, RegistryLogin>()
      for (const { keeper, store } of stores.toReversed())
        for (const login of await store.list())
          found.set(login.registry, {
            ...login,
            keeper,
            lasting: keeper === 'docker' || !inMemory.has(login.registry),
          })
      return [...found.values()].toSorted((a, b) => a.registry.localeCompare(b.registry, 'en'))
    },
    login: async ({ password, plainHttp = false, signal, username, registry: text }) => {
      const registry = readRegistryName(text)
      if (username === '' || username.includes(':') || password === '')
        throw new MicrovmError('INVALID_ARGUMENT', 'a login has a user name and a password', {
          hint: 'A user name has no colon.',
        })
      const own = await settings()
      const plain = plainHttp ? [...own.plainHttp, registry] : own.plainHttp
      const reference = { registry, repository: 'login' }
      const access = registryAccess(reference, { ...own, mirrors: {}, plainHttp: plain }, network)
      const credential = { kind: 'password', username, password } as const
      const client = new RegistryClient(access, { credentials: { find: async () => credential } })
      try {
        await client.checkLogin(signal)
      } finally {
        client.close()
      }
      const { keeper, store } = stores[0]!
      const lasting = await store.save(registry, credential)
      if (lasting) inMemory.delete(registry)
      else inMemory.add(registry)
      return { registry, username, keeper, lasting }
    },
    logout: async (text) => {
      const registry = readRegistryName(text)
      const removed: boolean[] = []
      for (const { store } of stores) removed.push(await store.remove(registry))
      return removed.includes(true)
    },
  }
}
