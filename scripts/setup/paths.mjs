// SPDX-License-Identifier: Apache-2.0
// Where set-up puts things. Per clone: runtime/<os>-<arch>, out, node_modules. Per user and shared by
// all clones: the cache, which only ever holds finished things under names that say their version.
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

export const projectDir = resolve(dirname(fileURLToPath(import.meta.url)), '../..')

/** @param {string} path relative to the project @returns {string} */
export const inProject = (path) => join(projectDir, path)

/**
 * The per-user cache: MICROVM_CACHE_DIR, else XDG_CACHE_HOME/microvm-desktop, else ~/.cache/microvm-desktop.
 * @param {NodeJS.ProcessEnv} env
 * @returns {string}
 */
export function cacheDir(env) {
  if (env['MICROVM_CACHE_DIR']) return resolve(env['MICROVM_CACHE_DIR'])
  return join(env['XDG_CACHE_HOME'] || join(env['HOME'] || homedir(), '.cache'), 'microvm-desktop')
}

/** This clone's native parts for a platform; src/main/lib/runtime-dir.ts looks in the same place. @param {string} platform */
export const runtimeDirOf = (platform) => inProject(`runtime/${platform}`)
/** Held by whoever changes runtime/. */
export const runtimeLock = inProject('runtime/.set-up.lock')
/** Which Electron to start; written by set-up, read by start, the e2e tests and the benchmark. */
export const electronChoiceFile = inProject('runtime/electron.json')
