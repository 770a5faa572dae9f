// SPDX-License-Identifier: Apache-2.0
// From what was asked to what electron-builder is told. Decides; runs nothing.
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { SetupProblem } from '../setup/problem.mjs'

/** What a development build may be: nothing that installs itself. */
const developmentTargets = new Set(['dir', 'tar.gz'])

/**
 * @param {object} deps
 * @param {{ dir: boolean, target: readonly string[], arch: string, out?: string | undefined }} deps.options
 * @param {import('../setup/electron.mjs').ElectronChoice | undefined} deps.electron the one that set-up chose
 * @param {NodeJS.Platform} deps.platform
 * @param {NodeJS.ProcessEnv} deps.env
 * @returns {{ args: string[], env: NodeJS.ProcessEnv, stageElectron: string | undefined }} stageElectron: the
 *   executable of the Electron to use instead of the one that electron-builder gets
 * @throws {SetupProblem}
 */
export function planPackage({ options, electron, platform, env }) {
  const system = { linux: '--linux', darwin: '--mac' }[/** @type {string} */ (platform)]
  if (system === undefined)
    throw problem(`there are no packages for ${platform}`, 'Use Linux or macOS.')
  if (!/^(x64|arm64)$/.test(options.arch))
    throw problem(`no such --arch: ${options.arch}`, 'x64 or arm64')
  const targets = options.dir ? ['dir'] : options.target
  const development = electron?.source === 'registry'
  if (development && (targets.length === 0 || targets.some((t) => !developmentTargets.has(t)))) {
    throw problem(
      'the Electron here is the registry’s, for development and tests only.',
      'Build where Electron’s own binary can be downloaded, or ask for --dir or --target tar.gz.',
    )
  }
  return {
    args: [
      ...[system, ...targets, `--${options.arch}`, '--publish', 'never'],
      ...(options.out === undefined ? [] : [`-c.directories.output=${options.out}`]),
      ...(development
        ? [
            `-c.electronVersion=${electron.version}`,
            '-c.artifactName=${name}-${version}-${os}-${arch}-development.${ext}',
          ]
        : []),
      ...feedArguments(env['MICROVM_UPDATE_FEED']),
    ],
    env: builderEnvironment(env),
    stageElectron: development ? electron.path : undefined,
  }
}

/** @param {string | undefined} feed */
function feedArguments(feed) {
  if (!feed) return []
  if (!feed.startsWith('https://')) {
    throw problem(`MICROVM_UPDATE_FEED is ${feed}`, 'Its address must begin with https://')
  }
  return ['-c.publish.provider=generic', `-c.publish.url=${feed}`]
}

/** @param {NodeJS.ProcessEnv} env */
function builderEnvironment(env) {
  const archiver = findArchiver(env)
  return {
    // Under a test runner electron-builder makes hard links to the originals.
    ...Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('VITEST'))),
    // Certificates are sign-mac.mjs's business.
    CSC_IDENTITY_AUTO_DISCOVERY: 'false',
    // Else it downloads one.
    ...(archiver === undefined ? {} : { ELECTRON_BUILDER_7ZIP_PATH: archiver }),
  }
}

/** 7-Zip, which packs tar.gz. @param {NodeJS.ProcessEnv} env */
function findArchiver(env) {
  const folders = (env['PATH'] ?? '').split(delimiter).filter(Boolean)
  const candidates = ['7zz', '7za'].flatMap((name) => folders.map((folder) => join(folder, name)))
  return candidates.find((path) => {
    try {
      accessSync(path, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

/** @param {string} cause @param {string} remedy */
const problem = (cause, remedy) => new SetupProblem('package', cause, remedy)
