// SPDX-License-Identifier: Apache-2.0
// Logins at registries, and what is set about them, as app, CLI and renderer see it. Passwords go in and
// never come out.
import { z } from 'zod'

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

const registry = z.string().trim().min(1).max(255)
/** One thing the user has set about a registry. */
export const registrySettingSchema = z.discriminatedUnion('kind', [
  /** An address to ask before the registry itself: "https://mirror.example/hub". */
  z.object({
    kind: z.literal('mirror'),
    registry,
    address: z.string().trim().min(1).max(2048),
  }),
  /** It is reached without encryption. */
  z.object({ kind: z.literal('plain-http'), registry }),
])
export type RegistrySetting = z.infer<typeof registrySettingSchema>

/** Whether Docker and Podman on this computer are asked for an image before its registry. */
export interface DaemonSetting {
  readonly isAsked: boolean
  /** As `RegistrySettingView.fromEnvironment`. */
  readonly fromEnvironment: boolean
}

export type RegistrySettingView = RegistrySetting & {
  /** Set by a variable of the environment: holds for this run of the app and cannot be removed in it. */
  readonly fromEnvironment: boolean
}
