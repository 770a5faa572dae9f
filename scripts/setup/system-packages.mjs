// SPDX-License-Identifier: Apache-2.0
// What the operating system must have. Judged by the command or library itself, not by a package's name, so
// that it holds on any distribution. Only what is missing is installed, and only as root; anyone else is
// told the exact command.
import { accessSync, constants, existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { command, failureOf, tryCommand } from './command.mjs'
import { SetupProblem } from './problem.mjs'

const PART = 'system packages'

/** @typedef {'cli' | 'app' | 'headless' | 'tests' | 'cross-x64' | 'cross-arm64'} Purpose 'cross-…': compiles for a guest on another architecture */
/**
 * @typedef {object} Need
 * @property {Purpose} purpose
 * @property {string} why
 * @property {readonly string[]} packages Debian's names for it, newest release first: one of them is installed
 * @property {string} [command] in PATH
 * @property {string} [library] file name as the dynamic linker knows it
 * @property {string} [file] anywhere among the compiler's files
 * @property {readonly string[]} [programs] absolute paths of what is in no PATH; one of them is enough
 * @property {string} [compiler] whose files; gcc if absent
 */

/** @type {readonly Need[]} */
const needs = [
  {
    purpose: 'cli',
    command: 'qemu-system-x86_64',
    packages: ['qemu-system-x86'],
    why: 'runs the machines',
  },
  {
    purpose: 'cli',
    command: 'mke2fs',
    packages: ['e2fsprogs'],
    why: "makes the template of a machine's disk",
  },
  {
    purpose: 'cli',
    command: 'gcc',
    packages: ['gcc'],
    why: "compiles the guest's first process",
  },
  {
    purpose: 'cli',
    file: 'libc.a',
    packages: ['libc6-dev'],
    why: "the C library for the guest's first process",
  },
  ...['g++', 'make', 'python3'].map(addonNeed),
  ...electronNeed('libgtk-3.so.0', 'libgtk-3-0t64', 'libgtk-3-0'),
  ...electronNeed('libnss3.so', 'libnss3'),
  ...electronNeed('libasound.so.2', 'libasound2t64', 'libasound2'),
  ...electronNeed('libgbm.so.1', 'libgbm1'),
  ...electronNeed('libatk-bridge-2.0.so.0', 'libatk-bridge2.0-0t64', 'libatk-bridge2.0-0'),
  ...electronNeed('libcups.so.2', 'libcups2t64', 'libcups2'),
  {
    purpose: 'headless',
    command: 'Xvfb',
    packages: ['xvfb'],
    why: 'a display for the window where there is none',
  },
  ...crossNeed(
    'cross-x64',
    'x86_64-linux-gnu-gcc',
    'gcc-x86-64-linux-gnu',
    'libc6-dev-amd64-cross',
  ),
  ...crossNeed(
    'cross-arm64',
    'aarch64-linux-gnu-gcc',
    'gcc-aarch64-linux-gnu',
    'libc6-dev-arm64-cross',
  ),
  ...crossNeed('tests', 'aarch64-linux-gnu-gcc', 'gcc-aarch64-linux-gnu', 'libc6-dev-arm64-cross'),
  {
    purpose: 'tests',
    command: 'qemu-system-aarch64',
    packages: ['qemu-system-arm'],
    why: 'boots the guest for arm64',
  },
  { purpose: 'tests', command: 'git', packages: ['git'], why: "lists the repository's files" },
  {
    purpose: 'tests',
    programs: ['/usr/libexec/virtiofsd', '/usr/lib/qemu/virtiofsd'],
    packages: ['virtiofsd', 'qemu-system-common'],
    why: 'shares folders with machines',
  },
  { purpose: 'tests', command: 'qemu-img', packages: ['qemu-utils'], why: 'judges disk images' },
  { purpose: 'tests', command: 'fsck.erofs', packages: ['erofs-utils'], why: 'judges our EROFS' },
  {
    purpose: 'tests',
    command: 'docker-registry',
    packages: ['docker-registry'],
    why: 'a real registry to pull from',
  },
  {
    purpose: 'tests',
    command: 'debootstrap',
    packages: ['debootstrap'],
    why: 'makes a Debian image to run',
  },
  { purpose: 'tests', command: 'skopeo', packages: ['skopeo'], why: 'fills that registry' },
  { purpose: 'tests', command: 'podman', packages: ['podman'], why: 'has images to take over' },
  { purpose: 'tests', command: 'umoci', packages: ['umoci'], why: 'judges unpacked images' },
  { purpose: 'tests', command: '7zz', packages: ['7zip'], why: 'packs the tar.gz of the app' },
  { purpose: 'tests', command: 'setfattr', packages: ['attr'], why: 'files with attributes' },
  {
    purpose: 'tests',
    command: 'setcap',
    packages: ['libcap2-bin'],
    why: 'files with capabilities',
  },
]

/** @param {string} name of the command and its package @returns {Need} */
function addonNeed(name) {
  return { purpose: 'cli', command: name, packages: [name], why: 'builds the addon for libkrun' }
}

/** @param {string} library @param {string[]} packages @returns {Need[]} */
function electronNeed(library, ...packages) {
  return [{ purpose: 'app', library, packages, why: 'Electron loads it' }]
}

/** @param {Purpose} purpose @param {string} compiler @param {string} compilers @param {string} libraries @returns {Need[]} */
function crossNeed(purpose, compiler, compilers, libraries) {
  const why = 'compiles for a guest on another architecture'
  return [
    { purpose, command: compiler, packages: [compilers], why },
    { purpose, file: 'libc.a', compiler, packages: [libraries], why },
  ]
}

/**
 * Makes sure that everything for the given purposes is there.
 * @param {{ purposes: readonly Purpose[], env: NodeJS.ProcessEnv, say: (line: string) => void }} deps
 * @returns {Promise<readonly string[]>} the packages that were installed
 */
export async function ensureSystemPackages(deps) {
  const wanted = needs.filter((need) => deps.purposes.includes(need.purpose))
  const missing = await findMissing(wanted, deps.env)
  if (missing.length === 0) return []
  const list = listNeeds(missing)
  if (!findCommand('apt-get', deps.env)) {
    const remedy = 'Install them with the package manager of this system; the names are Debian’s.'
    throw new SetupProblem(PART, `missing: ${list}`, remedy)
  }
  const packages = await chooseNames(missing)
  const install = `apt-get install --yes --no-install-recommends ${packages.join(' ')}`
  if (process.getuid?.() !== 0) {
    const remedy = `Run this, then the same command again:\nsudo ${install}`
    throw new SetupProblem(PART, `missing: ${list}`, remedy)
  }
  deps.say(`Installing with apt: ${list}`)
  await aptInstall(packages, deps.env)
  const still = await findMissing(missing, deps.env)
  if (still.length === 0) return packages
  const names = still
    .map((need) => need.command ?? need.library ?? need.file ?? need.programs?.[0])
    .join(', ')
  throw new SetupProblem(PART, `installed, yet not found: ${names}`, `Look at: ${install}`)
}

/** "a, b (why); c (why)". @param {readonly Need[]} missing */
function listNeeds(missing) {
  /** @type {Map<string, string[]>} */
  const reasons = new Map()
  for (const { why, packages } of missing) {
    reasons.set(why, [...(reasons.get(why) ?? []), packages.at(-1) ?? ''])
  }
  return [...reasons].map(([why, names]) => `${names.join(', ')} (${why})`).join('; ')
}

/** @param {readonly Need[]} wanted @param {NodeJS.ProcessEnv} env @returns {Promise<Need[]>} */
async function findMissing(wanted, env) {
  const libraries = wanted.some((need) => need.library) ? await knownLibraries(env) : new Set()
  const found = await Promise.all(
    wanted.map(async (need) => {
      if (need.command) return findCommand(need.command, env) !== undefined
      if (need.programs) return need.programs.some(isExecutable)
      if (need.library) return libraries.has(need.library)
      return need.file === undefined || compilerHas(need.file, need.compiler)
    }),
  )
  return wanted.filter((_, index) => !found[index])
}

/**
 * @param {string} name
 * @param {NodeJS.ProcessEnv} env
 * @returns {string | undefined} its path; system folders are searched even if PATH lacks them
 */
function findCommand(name, env) {
  const folders = [...(env['PATH'] ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin']
  return folders
    .filter(Boolean)
    .map((folder) => join(folder, name))
    .find(isExecutable)
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** @param {NodeJS.ProcessEnv} env @returns {Promise<Set<string>>} */
async function knownLibraries(env) {
  const listing = await command(findCommand('ldconfig', env) ?? 'ldconfig', ['-p'])
  return new Set(listing.split('\n').map((line) => line.trim().split(' ')[0] ?? ''))
}

/** @param {string} file */
async function compilerHas(file, compiler = 'gcc') {
  // gcc prints the path it found, or the bare name when it found none.
  const { stdout } = await tryCommand(compiler, [`-print-file-name=${file}`])
  return stdout.includes('/') && existsSync(stdout.trim())
}

/** For each need the first of its names that this release of Debian has. @param {readonly Need[]} missing */
async function chooseNames(missing) {
  const asked = missing.flatMap((need) => need.packages)
  const { stdout } = await tryCommand('apt-cache', ['show', '--no-all-versions', ...asked])
  const known = new Set([...stdout.matchAll(/^Package: (.*)$/gm)].map((match) => match[1]))
  // With no index yet (a fresh container) nothing is known: the plain name is right on Debian 12.
  return missing.map(
    (need) => need.packages.find((name) => known.has(name)) ?? need.packages.at(-1) ?? '',
  )
}

/** @param {readonly string[]} packages @param {NodeJS.ProcessEnv} env */
async function aptInstall(packages, env) {
  const options = { env: { ...env, DEBIAN_FRONTEND: 'noninteractive' }, timeoutMs: 900_000 }
  const wait = ['-o', 'DPkg::Lock::Timeout=120']
  const install = [...wait, 'install', '--yes', '--no-install-recommends', ...packages]
  let result = await tryCommand('apt-get', install, options)
  if (result.code === 0) return
  // The index may be absent or out of date.
  const updated = await tryCommand('apt-get', [...wait, 'update'], options)
  result = await tryCommand('apt-get', install, options)
  if (result.code === 0) return
  throw new SetupProblem(
    PART,
    `apt-get could not install ${packages.join(' ')}.\n${failureOf(updated.code === 0 ? result : updated)}`,
    'Check the network and apt’s package sources, then run the same command again.',
  )
}
