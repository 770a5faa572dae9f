// SPDX-License-Identifier: Apache-2.0
// What a Debian package's busybox can do. Only busybox itself tells where its applets belong, so the one of this
// computer's architecture is asked: the same source package, built with the same configuration. That the other
// one has every one of these applets is checked by their names in it.
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

/** @typedef {Awaited<ReturnType<typeof import('./packages.mjs').openPackages>>} Packages */

const NAME = 'busybox-static'
const FILE = 'usr/bin/busybox'

/**
 * @param {Packages} packages of the guest's architecture
 * @param {Packages} hostPackages of this computer's architecture
 * @returns {Promise<{ program: Buffer, version: string, paths: string[] }>} version: "1.37"; paths of the applets,
 *   without leading slash
 */
export async function readBusybox(packages, hostPackages) {
  const [wanted, asked] = [packages, hostPackages].map((from) => sourceVersion(from.version(NAME)))
  if (wanted !== asked)
    throw new Error(`${NAME} is ${wanted} for the guest, but ${asked} for this computer`)
  const run = promisify(execFile)
  const host = hostPackages.path(NAME, FILE)
  const { stdout: list } = await run(host, ['--list-full'])
  const { stdout: help } = await run(host, ['--help'])
  const version = /^BusyBox v(\d+\.\d+)/.exec(help)?.[1]
  if (version === undefined) throw new Error(`${host} does not tell its version`)
  const paths = list.split('\n').filter((path) => path !== '')
  const program = await readFile(packages.path(NAME, FILE))
  const missing = paths.filter((path) => !hasApplet(program, path.split('/').at(-1) ?? ''))
  if (missing.length > 0) throw new Error(`the guest's busybox has no ${missing.join(', ')}`)
  return { program, version, paths }
}

/** Without the mark of a rebuild for one architecture: "1:1.37.0-6+b9". @param {string} version */
const sourceVersion = (version) => version.replace(/\+b\d+$/, '')

/** Applets' names stand one after the other, each ended by a NUL. @param {Buffer} program @param {string} name */
const hasApplet = (program, name) => program.includes(`\0${name}\0`)
