// SPDX-License-Identifier: Apache-2.0
// How registries are reached, as main knows it.
import { create } from 'zustand'
import type {
  DaemonSetting,
  RegistrySetting,
  RegistrySettingView,
} from '../../../contract/registries'
import { call } from '../../api/client'
import { orToast } from '../../ui/toast-store'

interface SettingsState {
  /** Undefined until they are known. */
  readonly settings: readonly RegistrySettingView[] | undefined
  readonly daemons: DaemonSetting | undefined
  readonly error: unknown
}

export const useRegistrySettings = create<SettingsState>(() => ({
  settings: undefined,
  daemons: undefined,
  error: undefined,
}))

export async function loadSettings(): Promise<void> {
  try {
    const [settings, daemons] = await Promise.all([
      call('registries.settings'),
      call('registries.daemons'),
    ])
    useRegistrySettings.setState({ settings, daemons, error: undefined })
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

export async function askDaemons(isAsked: boolean): Promise<void> {
  await orToast('The setting was not changed', call('registries.askDaemons', { isAsked }))
  await loadSettings()
}
