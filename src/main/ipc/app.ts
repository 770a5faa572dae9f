// SPDX-License-Identifier: Apache-2.0
// Calls about the app itself and the desktop around it.
import type { AppInfo } from '../../contract/ipc'
import type { Engine } from '../engine'
import type { IpcHandlers } from './handle'
import type { PathGrants } from './path-grants'

export interface AppDeps {
  engine(): Promise<Pick<Engine, 'doctor'>>
  info(): Promise<AppInfo>
  openInBrowser(url: string): Promise<void>
  readonly folders: PathGrants
  readonly disks: PathGrants
  readonly clipboard: { readText(): string; writeText(text: string): void }
}

export function appHandlers(
  deps: AppDeps,
): Pick<IpcHandlers, Extract<keyof IpcHandlers, `app.${string}`>> {
  return {
    'app.info': () => deps.info(),
    'app.doctor': async () => (await deps.engine()).doctor(),
    'app.openExternal': ({ url }) => deps.openInBrowser(url),
    'app.chooseFolder': () => deps.folders.choose(),
    'app.chooseDisk': () => deps.disks.choose(),
    'app.readClipboard': () => deps.clipboard.readText(),
    'app.writeClipboard': ({ text }) => deps.clipboard.writeText(text),
  }
}
