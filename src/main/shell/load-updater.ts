// SPDX-License-Identifier: Apache-2.0
// electron-updater, set so that nothing happens by itself but fetching. It is loaded only where there is a feed.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { App } from 'electron'
import type { Logger } from '../lib/logger'
import type { UpdateFeed } from './update-feed'
import type { Updater } from './updates'

export async function loadUpdater(deps: {
  readonly feed: UpdateFeed
  /** Where the settings of a feed from the environment are put. */
  readonly dir: string
  readonly app: Pick<App, 'releaseSingleInstanceLock'>
  readonly logger: Logger
}): Promise<Updater> {
  const { autoUpdater } = (await import('electron-updater')).default
  const { feed, logger } = deps
  // electron-updater's own words are many; what matters comes back as errors.
  autoUpdater.logger = { info: debug, debug, warn: debug, error: debug }
  function debug(message?: unknown): void {
    logger.debug('updater', { message: String(message) })
  }
  autoUpdater.autoDownload = true
  autoUpdater.autoInstallOnAppQuit = false
  autoUpdater.autoRunAppAfterInstall = true
  autoUpdater.allowDowngrade = false
  autoUpdater.allowPrerelease = false
  if (feed.kind === 'environment') {
    const file = join(deps.dir, 'app-update.json')
    const cache = 'microvm-desktop-updater'
    // It reads YAML, of which JSON is a part.
    const settings = { provider: 'generic', url: feed.url, updaterCacheDirName: cache }
    await writeFile(file, JSON.stringify(settings), { mode: 0o600 })
    autoUpdater.updateConfigPath = file
  }
  return {
    checkForUpdates: () => autoUpdater.checkForUpdates(),
    onProgress: (listener) =>
      void autoUpdater.on('download-progress', ({ percent }) => listener(percent)),
    onError: (listener) => void autoUpdater.on('error', listener),
    quitAndInstall() {
      // The new version may be up before this one has ended: it must not take itself for a second start.
      deps.app.releaseSingleInstanceLock()
      autoUpdater.quitAndInstall()
    },
  }
}
