// SPDX-License-Identifier: Apache-2.0
// What runtime/<os>-<arch> is made of, part by part, and how each is made. Two groups that are fetched and packaged
// apart: `runtime` is what the host runs (permissive licences), `firmware` is what the guest runs (kernel and tools
// under the GPL, with our own init beside them). QEMU and virtiofsd are in neither: they need dozens of libraries, which
// the host's own packages bring and keep patched; the deb and rpm depend on them.
import { chmod, copyFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { makeAtomically } from '../setup/atomic.mjs'
import { failureOf, tryCommand } from '../setup/command.mjs'
import { inProject } from '../setup/paths.mjs'
import { pinnedParts } from './darwin-parts.mjs'
import { writeLicences } from './licences.mjs'

/** @typedef {import('./debian-packages.mjs').DebianPackages} DebianPackages */
/** @typedef {import('./platforms.mjs').Platform} Platform */
/** @typedef {'runtime' | 'firmware'} Group */
/**
 * @typedef {object} MakeContext
 * @property {Platform} platform whose part it is
 * @property {() => Promise<DebianPackages>} packages of the platform's architecture
 * @property {() => Promise<DebianPackages>} hostPackages of this computer's, whose programs can be run
 * @property {(output: string) => string} at where an output goes
 * @property {string} cache the per-user cache
 */
/**
 * @typedef {object} Part
 * @property {string} name
 * @property {Group} group
 * @property {readonly string[]} outputs files or folders in the runtime folder
 * @property {readonly (keyof DebianPackages)[]} packages
 * @property {readonly string[]} inputs files or folders of the project
 * @property {(context: MakeContext) => Promise<void>} make
 */

/** What the guest's own programs need, besides busybox. */
const sshPackages = /** @type {const} */ ([
  ...['dropbear-bin', 'openssh-sftp-server', 'openssh-client', 'libc6', 'libcrypt1', 'libgmp10'],
  ...['libtomcrypt1', 'libtommath1', 'zlib1g'],
])

/** @type {Part} */
const gvproxy = {
  name: 'gvproxy',
  group: 'runtime',
  outputs: ['bin/gvproxy'],
  packages: ['gvproxy'],
  inputs: [],
  make: async ({ packages, at }) =>
    copyProgram(join((await packages()).gvproxy.dir, 'usr/bin/gvproxy'), at('bin/gvproxy')),
}

/** @param {Platform} platform @returns {Part[]} */
const guestParts = (platform) => [
  {
    name: 'kernel',
    group: 'firmware',
    outputs: [platform.kernel],
    packages: ['libkrunfw5'],
    inputs: ['scripts/kernel'],
    make: async ({ packages, at }) =>
      runScript('scripts/kernel/make-kernel.mjs', {
        library: join(
          (await packages()).libkrunfw5.dir,
          `usr/lib/${platform.triplet}/libkrunfw.so.5`,
        ),
        out: at(platform.kernel),
      }),
  },
  {
    name: 'guest bundle',
    group: 'firmware',
    outputs: ['guest/bundle.tar', 'guest/manifest.json'],
    packages: ['busybox-static', ...sshPackages],
    inputs: ['scripts/guest', 'native-runner/guest', 'package.json'],
    make: async (context) =>
      runScript('scripts/guest/make-bundle.mjs', {
        ...(await guestOptions(context)),
        out: context.at('guest'),
      }),
  },
  {
    name: 'starter image',
    group: 'firmware',
    outputs: ['starter'],
    packages: ['busybox-static'],
    inputs: ['scripts/guest'],
    make: async (context) =>
      runScript('scripts/guest/make-starter-image.mjs', {
        ...(await guestOptions(context)),
        out: context.at('starter'),
      }),
  },
  {
    name: 'VM disk template',
    group: 'firmware',
    outputs: ['guest/vm-disk.ext4'],
    packages: [],
    inputs: ['scripts/rootfs'],
    make: ({ at }) =>
      runScript('scripts/rootfs/make-vm-disk-template.mjs', { out: at('guest/vm-disk.ext4') }),
  },
]

/**
 * All parts of a platform, in the order in which they are made.
 * @param {Platform} platform
 * @returns {readonly Part[]}
 */
export function partsOf(platform) {
  const host = platform.os === 'darwin' ? pinnedParts : [gvproxy]
  const parts = [...host, ...guestParts(platform)]
  return [...parts, licencePart('runtime', parts), licencePart('firmware', parts)]
}

/**
 * The licences of everything in the group, which whoever passes the parts on has to pass on as well.
 * @param {Group} group
 * @param {readonly Part[]} parts
 * @returns {Part}
 */
function licencePart(group, parts) {
  const packages = parts.filter((part) => part.group === group).flatMap((part) => part.packages)
  const names = [...new Set(packages)]
  const output = `licences/${group}`
  return {
    name: `${group} licences`,
    group,
    outputs: [output],
    packages: names.length === 0 ? [] : [...names, 'base-files'],
    inputs: ['LICENSE', 'scripts/parts/licences.mjs'],
    make: async ({ packages: get, at }) =>
      writeLicences({
        group,
        names,
        packages: names.length === 0 ? undefined : await get(),
        out: at(output),
      }),
  }
}

/** @param {MakeContext} context @returns {Promise<Record<string, string>>} */
async function guestOptions({ platform, packages, hostPackages }) {
  return {
    platform: platform.name,
    packages: folderOf(await packages()),
    'host-packages': folderOf(await hostPackages()),
  }
}

/** Where packages.json lies. @param {DebianPackages} packages */
const folderOf = (packages) => dirname(packages['busybox-static'].dir)

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
