// SPDX-License-Identifier: Apache-2.0
// Brings the native parts of one platform up to date, group by group: what set-up does for this computer, and
// `npm run fetch:runtime` and `fetch:firmware` for any. The caller holds the lock on runtime/.
import { cacheDir, runtimeDirOf } from '../setup/paths.mjs'
import { ensureSystemPackages } from '../setup/system-packages.mjs'
import { ensurePart, isCurrent, readManifest } from './assemble.mjs'
import { ensureDebianPackages } from './debian-packages.mjs'
import { partsOf } from './parts.mjs'
import { platformOf, runsHere } from './platforms.mjs'

/** @typedef {import('./debian-packages.mjs').DebianPackages} DebianPackages */
/** @typedef {import('./platforms.mjs').Platform} Platform */
/** @typedef {import('../setup/report.mjs').Report} Report */

/**
 * @param {object} options
 * @param {Platform} options.platform
 * @param {readonly import('./parts.mjs').Group[]} options.groups
 * @param {readonly string[]} [options.without] names of parts to leave out
 * @param {NodeJS.ProcessEnv} options.env
 * @param {Report} options.report
 * @returns {Promise<void>}
 * @throws {SetupProblem}
 */
export async function fetchParts({ platform, groups, without = [], env, report }) {
  const parts = partsOf(platform).filter(
    (part) => groups.includes(part.group) && !without.includes(part.name),
  )
  const packages = debianPackages(platform, env, report)
  const hostPackages = runsHere(platform) ? packages : debianPackages(platformOf(), env, report)
  const dir = runtimeDirOf(platform.name)
  const { parts: made } = readManifest(dir)
  const missing = parts.filter((part) => !isCurrent(part, dir, made[part.name]))
  // Before the first part, so that the steps are shown in order.
  if (missing.some((part) => part.packages.length > 0)) await packages()
  if (missing.some((part) => part.name === 'guest bundle') && !runsHere(platform))
    await ensureSystemPackages({ purposes: [`cross-${platform.arch}`], env, say: report.say })
  const context = { platform, packages, hostPackages, cache: cacheDir(env) }
  for (const part of parts) {
    const step = () => ensurePart(part, context, dir)
    await report.step(part.name, step, ({ made: anew }) => (anew ? 'made' : 'cached'))
  }
}

/**
 * Fetched at the first call.
 * @param {Platform} platform
 * @param {NodeJS.ProcessEnv} env
 * @param {Report} report
 * @returns {() => Promise<DebianPackages>}
 */
export function debianPackages(platform, env, report) {
  /** @type {Promise<DebianPackages> | undefined} */
  let result
  const architecture = platform.debian
  const fetch = async () => {
    const { packages } = await report.step(
      `Debian packages for ${architecture}`,
      () =>
        ensureDebianPackages({ architecture, cache: cacheDir(env), env, onWait: report.waiting }),
      ({ fetched }) => (fetched ? 'fetched' : 'cached'),
    )
    return packages
  }
  return () => (result ??= fetch())
}
