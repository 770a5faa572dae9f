// SPDX-License-Identifier: Apache-2.0
// Compiles what of the guest is ours: init, and the small library that sftp-server is started with.
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { compilerFor } from '../parts/platforms.mjs'

/** @typedef {import('../parts/platforms.mjs').Platform} Platform */

const run = promisify(execFile)
const sources = resolve(dirname(fileURLToPath(import.meta.url)), '../../native-runner/guest')
const LIBRARY = 'root-account.c'

/** Also for test/unit/native-runner/guest, so that tests see the warnings a build would stop at. */
export const warnings = [
  ...['-std=gnu11', '-D_GNU_SOURCE', '-Wall', '-Wextra', '-Werror', '-Wconversion', '-Wshadow'],
  ...['-Wstrict-prototypes', '-Wmissing-prototypes', '-Wvla', '-Wformat=2'],
]
const hardening = [
  ...['-Os', '-fstack-protector-strong', '-D_FORTIFY_SOURCE=2', '-fstack-clash-protection'],
  ...['-Wl,-z,relro,-z,now,-z,noexecstack', '-Wl,--build-id=none', '-s'],
]
/** Indirect jumps land only where they may. */
const controlFlow = { x64: '-fcf-protection', arm64: '-mbranch-protection=standard' }
const init = ['-static-pie', '-fPIE', '-ffunction-sections', '-fdata-sections', '-Wl,--gc-sections']
const library = ['-shared', '-fPIC']

/** @param {Platform} platform @returns {Promise<{ init: Buffer, rootAccount: Buffer }>} */
export async function compileGuest(platform) {
  const out = await mkdtemp(join(tmpdir(), 'microvm-guest-'))
  try {
    const files = (await readdir(sources)).filter((file) => file.endsWith('.c')).sort()
    const ours = files.filter((file) => file !== LIBRARY)
    return {
      init: await compile(platform, [...init, ...ours], join(out, 'init')),
      rootAccount: await compile(platform, [...library, LIBRARY], join(out, 'library')),
    }
  } finally {
    await rm(out, { recursive: true, force: true })
  }
}

/** @param {Platform} platform @param {string[]} args @param {string} out */
async function compile(platform, args, out) {
  const compiler = compilerFor(platform)
  const flags = [...warnings, ...hardening, controlFlow[platform.arch]]
  try {
    await run(compiler, [...flags, ...args, '-o', out], { cwd: sources })
  } catch (error) {
    const { code, stderr, message } = /** @type {NodeJS.ErrnoException & { stderr?: string }} */ (
      error
    )
    if (code === 'ENOENT')
      throw new Error(`${compiler} is missing; run the set-up again`, { cause: error })
    throw new Error(`${compiler} failed\n${stderr || message}`, { cause: error })
  }
  return await readFile(out)
}
