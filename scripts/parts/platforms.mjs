// SPDX-License-Identifier: Apache-2.0
// The platforms that native parts are made for, by the names of Node: <os>-<arch>. A guest is always Linux, on the
// host's architecture: what goes into it is the same for linux-arm64 and darwin-arm64.

/** @typedef {'linux-x64' | 'linux-arm64' | 'darwin-arm64'} PlatformName */
/**
 * @typedef {object} Platform
 * @property {PlatformName} name
 * @property {'linux' | 'darwin'} os
 * @property {'x64' | 'arm64'} arch
 * @property {'amd64' | 'arm64'} debian Debian's name for the architecture; the image-spec's (GOARCH), too
 * @property {string} triplet GNU's name: where Debian keeps libraries, and how a cross compiler begins
 * @property {string} loader the dynamic linker's file name
 * @property {number} elfMachine e_machine of its programs (System V ABI)
 * @property {string} kernel file that a VMM boots, in the runtime folder
 */

const x64 = /** @type {const} */ ({
  arch: 'x64',
  debian: 'amd64',
  triplet: 'x86_64-linux-gnu',
  loader: 'ld-linux-x86-64.so.2',
  elfMachine: 62,
  kernel: 'kernel/vmlinux.elf',
})
const arm64 = /** @type {const} */ ({
  arch: 'arm64',
  debian: 'arm64',
  triplet: 'aarch64-linux-gnu',
  loader: 'ld-linux-aarch64.so.1',
  elfMachine: 183,
  kernel: 'kernel/Image',
})

/** @type {Readonly<Record<PlatformName, Platform>>} */
const platforms = {
  'linux-x64': { name: 'linux-x64', os: 'linux', ...x64 },
  'linux-arm64': { name: 'linux-arm64', os: 'linux', ...arm64 },
  'darwin-arm64': { name: 'darwin-arm64', os: 'darwin', ...arm64 },
}

const hostName = `${process.platform}-${process.arch}`

/**
 * @param {string} [name] this computer's unless given
 * @returns {Platform}
 * @throws {Error} if there are no native parts for it
 */
export function platformOf(name = hostName) {
  const found = Object.values(platforms).find((platform) => platform.name === name)
  if (found) return found
  throw new Error(`${name} is no platform; there are ${Object.keys(platforms).join(', ')}`)
}

/** Whether this computer runs what is made for a guest of the platform. @param {Platform} platform */
export const runsHere = ({ arch }) => process.platform === 'linux' && process.arch === arch

/** The platform's C compiler for the guest's programs. @param {Platform} platform */
export const compilerFor = (platform) => (runsHere(platform) ? 'gcc' : `${platform.triplet}-gcc`)
