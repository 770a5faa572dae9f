// SPDX-License-Identifier: Apache-2.0
import type { InstallAnswer, UpdateState } from '../../contract/updates'
import type { IpcHandlers } from './handle'

/** The part of src/main/shell/updates.ts that the window can reach. */
export interface UpdatesAccess {
  readonly state: UpdateState
  check(): Promise<void>
  install(confirmed: boolean): Promise<InstallAnswer>
}

export function updatesHandlers(
  updates: UpdatesAccess,
): Pick<IpcHandlers, Extract<keyof IpcHandlers, `updates.${string}`>> {
  return {
    'updates.state': () => updates.state,
    'updates.check': () => updates.check(),
    'updates.install': ({ confirmed }) => updates.install(confirmed),
  }
}
