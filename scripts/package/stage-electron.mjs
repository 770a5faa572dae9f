// SPDX-License-Identifier: Apache-2.0
// The registry's Electron as electron-builder wants one: without the loader that set-up put into it (electron-registry.mjs).
// Hard links, so it costs nothing; electron-builder copies from it and changes only the copy.
import { mkdtemp, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { command } from '../setup/command.mjs'

/**
 * @param {string} executable in the cache
 * @returns {Promise<{ path: string, remove: () => Promise<void> }>}
 */
export async function stageElectron(executable) {
  const original = dirname(executable)
  // Beside the original: a hard link cannot leave its file system.
  const folder = await mkdtemp(join(dirname(original), 'staged-'))
  const path = join(folder, 'electron')
  await command('cp', ['--archive', '--link', original, path])
  await rm(join(path, 'resources', 'app'), { recursive: true })
  return { path, remove: () => rm(folder, { recursive: true, force: true }) }
}
