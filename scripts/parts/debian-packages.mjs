// SPDX-License-Identifier: Apache-2.0
// Fetches and unpacks the Debian packages that the native parts are made of, into the per-user cache.
// The system's package database is neither read nor changed: apt runs on a configuration of its own, and
// checks every file against the archive's signed index. The mirror is the machine's own.
// For any of Debian's architectures: nothing that is fetched is run here.
// Always holds: a folder <cache>/deb/<architecture>/<package>_<version> is whole; packages.json there names only such.
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeAtomically, writeJsonAtomically } from '../setup/atomic.mjs'
import { command, failureOf, tryCommand } from '../setup/command.mjs'
import { withLock } from '../setup/locking.mjs'
import { SetupProblem } from '../setup/problem.mjs'

const PART = 'Debian packages'

/** Package → suite. Stable where it is new enough; libkrunfw is in no stable release yet. */
export const wantedPackages = {
  gvproxy: 'trixie',
  'busybox-static': 'trixie',
  'dropbear-bin': 'trixie',
  'openssh-sftp-server': 'trixie',
  // Only for the copyright file, which openssh-sftp-server links to.
  'openssh-client': 'trixie',
  // What dropbear and sftp-server load.
  libc6: 'trixie',
  libcrypt1: 'trixie',
  libgmp10: 'trixie',
  libtomcrypt1: 'trixie',
  libtommath1: 'trixie',
  zlib1g: 'trixie',
  libkrunfw5: 'forky',
  // The texts of the licences that the packages' copyright files refer to.
  'base-files': 'trixie',
}

/**
 * @typedef {object} DebianPackage
 * @property {string} version with epoch, as Debian writes it
 * @property {string} suite
 * @property {string} sha256 of the .deb
 * @property {string} source name and version of its source package: "busybox 1:1.37.0-6"
 * @property {string} folder where it is unpacked, beside packages.json
 * @property {string} dir the same as an absolute path
 */
/** @typedef {Record<keyof typeof wantedPackages, DebianPackage>} DebianPackages */
/** @typedef {import('./platforms.mjs').Platform['debian']} Architecture */

/**
 * The packages, from the cache if they are there.
 * @param {{ architecture: Architecture, cache: string, env: NodeJS.ProcessEnv, onWait?: () => void }} deps
 * @returns {Promise<{ packages: DebianPackages, fetched: boolean }>}
 */
export async function ensureDebianPackages(deps) {
  const present = await readPresent(folderIn(deps))
  if (present) return { packages: present, fetched: false }
  const lock = join(deps.cache, 'locks', 'debian')
  const work = async () => {
    // Another clone's set-up may have fetched them while this one waited.
    const now = await readPresent(folderIn(deps))
    if (now) return { packages: now, fetched: false }
    return { packages: await fetchAll(deps), fetched: true }
  }
  return withLock(lock, work, deps.onWait ? { onWait: deps.onWait } : {})
}

/** @param {{ cache: string, architecture: Architecture }} deps */
const folderIn = ({ cache, architecture }) => join(cache, 'deb', architecture)

/** What the folder holds, if it is all that is wanted. @param {string} folder @returns {Promise<DebianPackages | undefined>} */
async function readPresent(folder) {
  try {
    const packages = JSON.parse(await readFile(join(folder, 'packages.json'), 'utf8'))
    for (const [name, suite] of Object.entries(wantedPackages)) {
      packages[name].dir = join(folder, packages[name].folder)
      if (packages[name].suite !== suite || !existsSync(packages[name].dir)) return undefined
    }
    return packages
  } catch {
    return undefined
  }
}

/** @param {Parameters<typeof ensureDebianPackages>[0]} deps @returns {Promise<DebianPackages>} */
async function fetchAll({ architecture, cache, env }) {
  const folder = folderIn({ architecture, cache })
  const scratch = join(cache, 'tmp', 'debian')
  await rm(scratch, { recursive: true, force: true })
  await mkdir(scratch, { recursive: true })
  try {
    const options = await privateApt(scratch, await findMirror(env), architecture)
    await update(options)
    const downloads = join(scratch, 'downloads')
    await mkdir(downloads)
    const names = Object.entries(wantedPackages).map(([name, suite]) => `${name}/${suite}`)
    const result = await tryCommand('apt-get', [...options, 'download', ...names], {
      cwd: downloads,
      tied: true,
    })
    if (result.code !== 0) throw downloadProblem(failureOf(result))
    const packages = await unpackAll(downloads, folder)
    await writeJsonAtomically(join(folder, 'packages.json'), packages)
    return packages
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

/** @param {string} downloads @param {string} target @returns {Promise<DebianPackages>} */
async function unpackAll(downloads, target) {
  /** @type {Partial<DebianPackages>} */
  const packages = {}
  for (const file of await readdir(downloads)) {
    const path = join(downloads, file)
    const format = '${Package} ${Version} ${source:Package} ${source:Version}'
    const shown = await command('dpkg-deb', ['--show', '--showformat', format, path])
    const [name = '', version = '', ...source] = shown.split(' ')
    if (!isWanted(name)) continue
    const suite = wantedPackages[name]
    // The epoch ("1:") stays out of the folder's name: a colon would end it in a search path.
    const folder = `${name}_${version.replace(/^\d+:/, '')}`
    const dir = join(target, folder)
    if (!existsSync(dir)) {
      await makeAtomically(dir, (partial) => command('dpkg-deb', ['--extract', path, partial]))
    }
    const sha256 = createHash('sha256')
      .update(await readFile(path))
      .digest('hex')
    packages[name] = { version, suite, sha256, source: source.join(' '), folder, dir }
  }
  for (const name of Object.keys(wantedPackages)) {
    if (!(name in packages)) throw downloadProblem(`${name} did not arrive`)
  }
  return /** @type {DebianPackages} */ (packages)
}

/** @param {string} name @returns {name is keyof typeof wantedPackages} */
const isWanted = (name) => name in wantedPackages

/**
 * The machine's own Debian mirror: of its package sources the first that is neither security updates nor the like.
 * @param {NodeJS.ProcessEnv} env MICROVM_DEBIAN_MIRROR goes first
 */
async function findMirror(env) {
  if (env['MICROVM_DEBIAN_MIRROR']) return env['MICROVM_DEBIAN_MIRROR']
  const format = ['--format', '$(RELEASE) $(REPO_URI)', 'Created-By: Packages']
  const result = await tryCommand('apt-get', ['indextargets', ...format])
  if (result.code !== 0) throw mirrorProblem(`apt-get indextargets: ${failureOf(result)}`)
  const mirror = chooseMirror(result.stdout)
  if (!mirror) throw mirrorProblem('apt has no package source configured')
  return mirror
}

/**
 * @param {string} targets lines of "<release> <address>"
 * @returns {string | undefined}
 */
export function chooseMirror(targets) {
  for (const line of targets.split('\n')) {
    const [release = '', address] = line.trim().split(' ')
    if (address && !/-|\//.test(release)) return address
  }
  return undefined
}

/** @param {string} dir @param {string} mirror @param {Architecture} architecture @returns {Promise<string[]>} options for apt-get */
async function privateApt(dir, mirror, architecture) {
  const keyring = ['gpg', 'pgp']
    .map((type) => `/usr/share/keyrings/debian-archive-keyring.${type}`)
    .find((path) => existsSync(path))
  if (!keyring) {
    const remedy = 'Install the package debian-archive-keyring, then run the same command again.'
    throw new SetupProblem(PART, "Debian's archive keys are not on this machine", remedy)
  }
  const suites = [...new Set(Object.values(wantedPackages))]
  const sources = suites.map((suite) => `deb [signed-by=${keyring}] ${mirror} ${suite} main\n`)
  await writeFile(join(dir, 'sources.list'), sources.join(''))
  await writeFile(join(dir, 'status'), '')
  await mkdir(join(dir, 'lists', 'partial'), { recursive: true })
  await mkdir(join(dir, 'cache', 'archives', 'partial'), { recursive: true })
  const settings = {
    'Dir::Etc::sourcelist': join(dir, 'sources.list'),
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::Etc::preferences': '/dev/null',
    'Dir::Etc::preferencesparts': '/dev/null',
    'Dir::State::lists': join(dir, 'lists'),
    'Dir::State::status': join(dir, 'status'),
    'Dir::Cache': join(dir, 'cache'),
    'APT::Architecture': architecture,
    'APT::Architectures': architecture,
    // As root apt would fetch as user _apt, who may not write into a home directory.
    'APT::Sandbox::User': 'root',
    'APT::Get::AllowUnauthenticated': 'false',
    'Acquire::AllowInsecureRepositories': 'false',
    'Acquire::Languages': 'none',
    'Acquire::Retries': '2',
    'Acquire::http::Timeout': '15',
    'Acquire::https::Timeout': '15',
  }
  return Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`])
}

/** @param {string[]} options */
async function update(options) {
  const result = await tryCommand('apt-get', [...options, 'update', '--error-on=any'], {
    tied: true,
  })
  if (result.code !== 0) throw mirrorProblem(failureOf(result, 6))
}

/** @param {string} cause */
function mirrorProblem(cause) {
  return new SetupProblem(
    PART,
    `the index of the Debian archive could not be fetched.\n${cause}`,
    'Check the network, and that "apt-get update" works. Where apt uses no Debian archive, set ' +
      'MICROVM_DEBIAN_MIRROR to the address of one (it must have trixie and forky).',
  )
}

/** @param {string} cause */
function downloadProblem(cause) {
  return new SetupProblem(
    PART,
    `a package could not be fetched.\n${cause}`,
    'Check the network, then run the same command again. Nothing was installed.',
  )
}
