// SPDX-License-Identifier: Apache-2.0
// Brings node_modules in line with package-lock.json. npm writes node_modules/.package-lock.json as the last act of
// an install: it tells what is really there, whoever installed it, and is absent after a broken install.
import { readFileSync } from 'node:fs'
import { npmFailureOf, tryCommand } from './command.mjs'
import { inProject } from './paths.mjs'
import { SetupProblem } from './problem.mjs'

/**
 * @typedef {{ version?: string, integrity?: string, optional?: boolean, devOptional?: boolean, peer?: boolean }} LockEntry
 * @typedef {{ packages?: Record<string, LockEntry> }} Lockfile
 */

/** @returns {boolean} */
export function nodeModulesAreCurrent() {
  const wanted = readLockfile('package-lock.json')
  const installed = readLockfile('node_modules/.package-lock.json')
  return wanted !== undefined && installed !== undefined && lockfilesMatch(wanted, installed)
}

/**
 * Whether what is installed is what is wanted. Optional packages (other platforms' binaries) may be absent.
 * @param {Lockfile} wanted package-lock.json
 * @param {Lockfile} installed node_modules/.package-lock.json
 */
export function lockfilesMatch(wanted, installed) {
  const want = wanted.packages ?? {}
  const have = installed.packages ?? {}
  for (const [path, entry] of Object.entries(want)) {
    const found = have[path]
    if (path === '' || (found === undefined && (entry.optional || entry.devOptional))) continue
    if (found?.version !== entry.version || found?.integrity !== entry.integrity) return false
  }
  return Object.keys(have).every((path) => path in want)
}

/** @returns {Promise<{ fetched: boolean }>} */
export async function ensureNodeModules() {
  if (nodeModulesAreCurrent()) return { fetched: false }
  const install = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  const result = await tryCommand('npm', install, {
    cwd: inProject('.'),
    timeoutMs: 900_000,
    tied: true,
  })
  if (result.code !== 0) {
    throw new SetupProblem(
      'npm packages',
      `npm ci failed.\n${npmFailureOf(result)}`,
      'Check the network and the registry in "npm config get registry", then run the same command again.',
    )
  }
  return { fetched: true }
}

/** @param {string} path @returns {Lockfile | undefined} */
function readLockfile(path) {
  try {
    return JSON.parse(readFileSync(inProject(path), 'utf8'))
  } catch {
    return undefined
  }
}
