// SPDX-License-Identifier: Apache-2.0
// Notices what other processes do in vms/: machines made, changed, deleted. File events where the
// system has them, and a slow look for what they miss.
import { mkdirSync, watch, type FSWatcher } from 'node:fs'
import type { Logger } from '../lib/logger'

export interface FolderWatch {
  /** The machines to watch from now on. */
  setIds(ids: readonly string[]): void
  close(): void
}

export interface WatchDeps {
  readonly vmsDir: string
  dirOf(id: string): string
  /** A machine may have come or gone. */
  onListChanged(): void
  /** A file of this machine changed. */
  onMachineChanged(id: string): void
  readonly logger: Logger
}

/** Several writes that belong together are one change. */
const DEBOUNCE_MS = 30
const POLL_MS = 5000
const OWN_FILES = new Set(['spec.json', 'state.json'])

export function watchFolders(deps: WatchDeps): FolderWatch {
  const timers = new Map<string, NodeJS.Timeout>()
  const watchers = new Map<string, FSWatcher>()

  const soon = (key: string, act: () => void): void => {
    if (timers.has(key)) return
    const timer = setTimeout(() => {
      timers.delete(key)
      act()
    }, DEBOUNCE_MS)
    timers.set(key, timer.unref())
  }

  const open = (path: string, onEvent: (name: string) => void): FSWatcher | undefined => {
    try {
      const watcher = watch(path, { persistent: false }, (_event, name) => onEvent(name ?? ''))
      watcher.on('error', () => watcher.close())
      return watcher
    } catch (error) {
      // Too many watches, or the folder has just gone: the poll still sees it.
      deps.logger.debug('a folder is not watched', { path, error })
      return undefined
    }
  }

  mkdirSync(deps.vmsDir, { recursive: true, mode: 0o700 })
  const list = open(deps.vmsDir, (name) => {
    if (!name.startsWith('.')) soon('', deps.onListChanged)
  })
  const poll = setInterval(() => soon('', deps.onListChanged), POLL_MS)

  return {
    setIds: (ids) => {
      const wanted = new Set(ids)
      for (const [id, watcher] of watchers) {
        if (wanted.has(id)) continue
        watcher.close()
        watchers.delete(id)
      }
      for (const id of wanted) {
        if (watchers.has(id)) continue
        const watcher = open(deps.dirOf(id), (name) => {
          if (OWN_FILES.has(name)) soon(id, () => deps.onMachineChanged(id))
        })
        if (watcher !== undefined) watchers.set(id, watcher)
      }
    },
    close: () => {
      clearInterval(poll)
      list?.close()
      for (const watcher of watchers.values()) watcher.close()
      for (const timer of timers.values()) clearTimeout(timer)
    },
  }
}
