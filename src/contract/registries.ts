// SPDX-License-Identifier: Apache-2.0
// Logins at registries as app, CLI and renderer see them. Passwords go in and never come out.

export interface RegistryLogin {
  /** As in references: "docker.io", "ghcr.io", "localhost:5000". */
  readonly registry: string
  /** '' if only a token is known. */
  readonly username: string
  /** Who keeps it: this app, or docker's config and its helpers. */
  readonly keeper: 'app' | 'docker'
  /** False if it is forgotten when the app quits: the system keeps no key to seal it with. */
  readonly lasting: boolean
}
