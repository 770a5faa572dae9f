// SPDX-License-Identifier: Apache-2.0
// How registries are reached, as main knows it.
import { create } from 'zustand'
import type { RegistrySetting, RegistrySettingView } from '../../../contract/registries'
import { call } from '../../api/client'
import { orToast } from '../../ui/toast-store'

interface SettingsState {
  /** Undefined until they are known. */
  readonly settings: readonly RegistrySettingView[] | undefined
  readonly error: unknown
}

export const useRegistrySettings = create<SettingsState>(() => ({
  settings: undefined,
  error: undefined,
}))

export async function loadSettings(): Promise<void> {
  try {
    useRegistrySettings.setState({ settings: await call('registries.settings'), error: undefined })
  } catch (error) {
    useRegistrySettings.setState({ error })
  }
}

/** Throws what main says against it. */
export async function addSetting(setting: RegistrySetting): Promise<void> {
  await call('registries.addSetting', { setting })
  await loadSettings()
}

export async function removeSetting(setting: RegistrySetting): Promise<void> {
  await orToast('The setting was not removed', call('registries.removeSetting', { setting }))
  await loadSettings()
}
