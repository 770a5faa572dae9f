// SPDX-License-Identifier: Apache-2.0
// The app's own logins: one file, in which each password is sealed with a key that the system keeps
// (Electron's safeStorage). Where the system keeps none, logins last as long as the app runs: a
// password is never written unsealed.
import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { writeFileAtomic } from '../../lib/atomic-file'
import { withFileLock } from '../../lib/file-lock'
import type { Logger } from '../../lib/logger'
import type { Credential, CredentialStore } from './credentials'

/** Seals texts so that only this user on this computer can open them. */
export interface SecretBox {
  isAvailable(): boolean
  seal(text: string): Buffer
  /** @throws if it was sealed with another key */
  open(sealed: Buffer): string
}

export interface SealedCredentialsDeps {
  readonly path: string
  readonly lockPath: string
  readonly box: SecretBox
  readonly logger: Logger
}

const fileSchema = z.object({
  version: z.literal(1),
  logins: z.record(z.string(), z.object({ username: z.string(), sealed: z.base64() })),
})
type Logins = z.infer<typeof fileSchema>['logins']

export function createSealedCredentials(deps: SealedCredentialsDeps): CredentialStore {
  const { box, logger, lockPath, path } = deps
  const inMemory = new Map<string, Credential & { kind: 'password' }>()
  const read = (): Promise<Logins> => readLogins(path, logger)
  const change = (edit: (logins: Map<string, Logins[string]>) => boolean): Promise<boolean> =>
    withFileLock(lockPath, async () => {
      const logins = new Map(Object.entries(await read()))
      const changed = edit(logins)
      const file = { version: 1, logins: Object.fromEntries(logins) }
      if (changed) await writeFileAtomic(path, JSON.stringify(file))
      return changed
    })
  return {
    find: async (registry) => {
      const kept = inMemory.get(registry)
      if (kept) return kept
      const login = new Map(Object.entries(await read())).get(registry)
      if (!login || !box.isAvailable()) return undefined
      try {
        const password = box.open(Buffer.from(login.sealed, 'base64'))
        return { kind: 'password', username: login.username, password }
      } catch {
        logger.warn('a stored login cannot be opened: the system’s key is another one', {
          registry,
        })
        return undefined
      }
    },
    list: async () => {
      const stored = Object.entries(await read()).map(([key, { username }]) => [key, username])
      const kept = [...inMemory].map(([key, { username }]) => [key, username])
      const all = new Map([...stored, ...kept] as [string, string][])
      return [...all].map(([registry, username]) => ({ registry, username }))
    },
    save: async (registry, credential) => {
      if (!box.isAvailable()) {
        inMemory.set(registry, credential)
        return false
      }
      const sealed = box.seal(credential.password).toString('base64')
      const { username } = credential
      await change((logins) => !!logins.set(registry, { username, sealed }))
      inMemory.delete(registry)
      return true
    },
    remove: async (registry) => {
      const wasKept = inMemory.delete(registry)
      return (await change((logins) => logins.delete(registry))) || wasKept
    },
  }
}

/** What cannot be read counts as no login: signing in again mends it. */
async function readLogins(path: string, logger: Logger): Promise<Logins> {
  try {
    return fileSchema.parse(JSON.parse(await readFile(path, 'utf8'))).logins
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
      logger.warn('the file of logins cannot be read; logins have to be made again', { path })
    return {}
  }
}
