// SPDX-License-Identifier: Apache-2.0
// New versions of the app, as main tells of them.
import { create } from 'zustand'
import { call, on } from '../../api/client'
import type { UpdateState } from '../../../contract/updates'
import { toastError } from '../../ui/toast-store'

interface UpdatesState {
  readonly state: UpdateState | undefined
  /** Machines that run while the user is asked; undefined: nothing is asked. */
  readonly asking: number | undefined
}

export const useUpdates = create<UpdatesState>(() => ({ state: undefined, asking: undefined }))

/** Asks main how things are and hears of changes; returns the function that ends it. */
export function followUpdates(): () => void {
  const end = on('updates.changed', (state) => useUpdates.setState({ state }))
  call('updates.state').then(
    (state) => useUpdates.setState({ state }),
    (error: unknown) => toastError('It is not known whether there are updates', error),
  )
  return end
}

export async function checkForUpdates(): Promise<void> {
  try {
    await call('updates.check')
  } catch (error) {
    toastError('Could not look for a new version', error)
  }
}

/** Asks the user first if main says so. */
export async function installUpdate(confirmed: boolean): Promise<void> {
  try {
    const found = await call('updates.install', { confirmed })
    useUpdates.setState({ asking: found.answer === 'ask' ? found.running : undefined })
  } catch (error) {
    toastError('Could not install the new version', error)
  }
}

export function keepVersion(): void {
  useUpdates.setState({ asking: undefined })
}
