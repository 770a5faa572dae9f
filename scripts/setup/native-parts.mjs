// SPDX-License-Identifier: Apache-2.0
// Assembles runtime/<os>-<arch> from the Debian packages by calling the scripts that make each part.
// manifest.json there tells, for each part, what it was made from (a key over packages and scripts), its files
// with size and SHA-256, and its source packages. A part is made again when its key changes or a file is gone.
import { createHash } from 'node:crypto'
import { createReadStream, readFileSync, statSync } from 'node:fs'
import { chmod, copyFile, mkdir, readdir, stat } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { makeAtomically, writeJsonAtomically } from './atomic.mjs'
import { failureOf, tryCommand } from './command.mjs'
import { wantedPackages } from './debian-packages.mjs'
import { inProject, projectDir, runtimeDir } from './paths.mjs'
import { SetupProblem } from './problem.mjs'
import { hashFiles } from './stamps.mjs'

/** @typedef {import('./debian-packages.mjs').DebianPackages} DebianPackages */
/**
 * @typedef {object} Part
 * @property {string} name
 * @property {readonly string[]} outputs files or folders in the runtime folder
 * @property {readonly (keyof DebianPackages)[]} packages
 * @property {readonly string[]} inputs files or folders of the project
 * @property {(packages: DebianPackages, at: (output: string) => string) => Promise<void>} make
 */
/**
 * @typedef {object} ManifestPart
 * @property {string} key
 * @property {{ path: string, size: number, sha256: string }[]} files
 * @property {{ name: string, version: string, suite: string, sha256: string }[]} packages sha256 of the .deb
 * @typedef {{ version: 1, parts: Record<string, ManifestPart> }} Manifest
 */

/** What the guest's own programs need, besides busybox. */
const sshPackages = /** @type {const} */ ([
  ...['dropbear-bin', 'openssh-sftp-server', 'openssh-client', 'libc6', 'libcrypt1', 'libgmp10'],
  ...['libtomcrypt1', 'libtommath1', 'zlib1g'],
])

/** @type {readonly Part[]} */
export const parts = [
  {
    name: 'gvproxy',
    outputs: ['bin/gvproxy'],
    packages: ['gvproxy'],
    inputs: [],
    make: (packages, at) =>
      copyProgram(join(packages.gvproxy.dir, 'usr/bin/gvproxy'), at('bin/gvproxy')),
  },
  {
    name: 'kernel',
    outputs: ['kernel/vmlinux.elf'],
    packages: ['libkrunfw5'],
    inputs: ['scripts/kernel'],
    make: (packages, at) =>
      runScript('scripts/kernel/make-kernel.mjs', {
        library: join(packages.libkrunfw5.dir, 'usr/lib/x86_64-linux-gnu/libkrunfw.so.5'),
        out: at('kernel/vmlinux.elf'),
      }),
  },
  {
    name: 'guest bundle',
    outputs: ['guest/bundle.tar', 'guest/manifest.json'],
    packages: ['busybox-static', ...sshPackages],
    inputs: ['scripts/guest', 'native-runner/guest', 'package.json'],
    make: (packages, at) =>
      runScript('scripts/guest/make-bundle.mjs', {
        packages: folderOf(packages),
        out: at('guest'),
      }),
  },
  {
    name: 'starter image',
    outputs: ['starter'],
    packages: ['busybox-static'],
    inputs: ['scripts/guest'],
    make: (packages, at) =>
      runScript('scripts/guest/make-starter-image.mjs', {
        packages: folderOf(packages),
        out: at('starter'),
      }),
  },
  {
    name: 'VM disk template',
    outputs: ['guest/vm-disk.ext4'],
    packages: [],
    inputs: ['scripts/rootfs'],
    make: (_, at) =>
      runScript('scripts/rootfs/make-vm-disk-template.mjs', { out: at('guest/vm-disk.ext4') }),
  },
]

/** Where packages.json lies. @param {DebianPackages} packages */
const folderOf = (packages) => dirname(packages['busybox-static'].dir)

/**
 * Makes one part if it is not current.
 * @param {Part} part
 * @param {() => Promise<DebianPackages>} getPackages asked only when the part must be made
 * @returns {Promise<{ made: boolean }>}
 */
export async function ensurePart(part, getPackages) {
  const manifest = readManifest()
  if (isCurrent(part, manifest.parts[part.name])) return { made: false }
  const packages = await getPackages()
  /** @param {string} output */
  const at = (output) => join(runtimeDir, output)
  for (const output of part.outputs) await mkdir(dirname(at(output)), { recursive: true })
  try {
    await part.make(packages, at)
  } catch (error) {
    throw SetupProblem.of(part.name, error)
  }
  const sources = sourcesOf(part, packages)
  const files = await Promise.all((await filesOf(part.outputs)).map(describeFile))
  manifest.parts[part.name] = { key: keyOf(part, sources), files, packages: sources }
  await writeJsonAtomically(manifestFile(), manifest)
  return { made: true }
}

/** @returns {boolean} */
export function partsAreCurrent() {
  const manifest = readManifest()
  return parts.every((part) => isCurrent(part, manifest.parts[part.name]))
}

/** Whether it was made by these scripts, from packages like these, and is all there. @param {Part} part @param {ManifestPart | undefined} made */
function isCurrent(part, made) {
  if (made === undefined || made.key !== keyOf(part, made.packages)) return false
  return made.files.every(
    (file) => statSync(join(runtimeDir, file.path), { throwIfNoEntry: false })?.size === file.size,
  )
}

/** @param {Part} part @param {ManifestPart['packages']} sources */
function keyOf(part, sources) {
  const wanted = part.packages.map((name) => `${name}/${wantedPackages[name]}`)
  return createHash('sha256')
    .update(JSON.stringify([part.outputs, wanted, sources]))
    .update(hashFiles(projectDir, part.inputs))
    .digest('hex')
}

const manifestFile = () => join(runtimeDir, 'manifest.json')

/** @returns {Manifest} */
function readManifest() {
  try {
    const manifest = JSON.parse(readFileSync(manifestFile(), 'utf8'))
    if (manifest.version === 1) return manifest
  } catch {
    // None yet, or unreadable: every part is made anew.
  }
  return { version: 1, parts: {} }
}

/** @param {Part} part @param {DebianPackages} packages */
function sourcesOf(part, packages) {
  return part.packages.map((name) => {
    const { version, suite, sha256 } = packages[name]
    return { name, version, suite, sha256 }
  })
}

/** @param {readonly string[]} outputs @returns {Promise<string[]>} absolute paths */
async function filesOf(outputs) {
  const files = []
  for (const output of outputs) {
    const path = join(runtimeDir, output)
    if ((await stat(path)).isFile()) files.push(path)
    else {
      const inside = await readdir(path, { recursive: true, withFileTypes: true })
      files.push(...inside.filter((e) => e.isFile()).map((e) => join(e.parentPath, e.name)))
    }
  }
  return files.sort()
}

/** @param {string} path */
async function describeFile(path) {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  const { size } = await stat(path)
  return { path: relative(runtimeDir, path), size, sha256: hash.digest('hex') }
}

/** @param {string} from @param {string} to */
async function copyProgram(from, to) {
  await makeAtomically(to, async (partial) => {
    await copyFile(from, partial)
    await chmod(partial, 0o755)
  })
}

/**
 * Runs one of the project's scripts with `--name value` arguments.
 * @param {string} script
 * @param {Record<string, string>} options
 */
async function runScript(script, options) {
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value])
  const result = await tryCommand(process.execPath, [inProject(script), ...args])
  if (result.code !== 0) throw new Error(`${script} failed.\n${failureOf(result)}`)
}
