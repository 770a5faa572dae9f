// SPDX-License-Identifier: Apache-2.0
// What proves to a registry who is asking, and the places it is kept in. Each credential belongs to
// one registry, named as in references ("docker.io", "ghcr.io", "localhost:5000"), and is looked up
// under the name the user gave, never under one that a server tells.

export type Credential =
  | { readonly kind: 'password'; readonly username: string; readonly password: string }
  /** A token that is changed for access tokens at the registry's token server (OAuth 2). */
  | { readonly kind: 'identity'; readonly token: string }

export interface CredentialSource {
  /** @throws MicrovmError if there may be one that cannot be read */
  find(registry: string): Promise<Credential | undefined>
}

export interface StoredLogin {
  readonly registry: string
  /** '' if only a token is known. */
  readonly username: string
}

export interface CredentialStore extends CredentialSource {
  list(): Promise<StoredLogin[]>
  /** @returns false if it is kept in memory only */
  save(registry: string, credential: Credential & { kind: 'password' }): Promise<boolean>
  /** @returns false if there was none */
  remove(registry: string): Promise<boolean>
}

/** The Authorization header of HTTP's basic scheme (RFC 7617). */
export const basicHeader = (username: string, password: string): string =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
