// SPDX-License-Identifier: Apache-2.0
// Who is signed in to which registry.
import { create } from 'zustand'
import type { RegistryLogin } from '../../../contract/registries'
import { call } from '../../api/client'

interface LoginState {
  /** Undefined until they are known. */
  readonly logins: readonly RegistryLogin[] | undefined
  readonly error: unknown
}

export const useLogins = create<LoginState>(() => ({ logins: undefined, error: undefined }))

export async function loadLogins(): Promise<void> {
  try {
    useLogins.setState({ logins: await call('registries.logins'), error: undefined })
  } catch (error) {
    useLogins.setState({ error })
  }
}
