// SPDX-License-Identifier: Apache-2.0
// Calls about the app itself and the desktop around it.
import type { AppInfo } from '../../contract/ipc'
import type { Engine } from '../engine'
import type { FolderGrants } from './folder-grants'
import type { IpcHandlers } from './handle'

export interface AppDeps {
  engine(): Promise<Pick<Engine, 'doctor'>>
  info(): Promise<AppInfo>
  openInBrowser(url: string): Promise<void>
  readonly folders: FolderGrants
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
    'app.readClipboard': () => deps.clipboard.readText(),
    'app.writeClipboard': ({ text }) => deps.clipboard.writeText(text),
  }
}
