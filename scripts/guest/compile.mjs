// SPDX-License-Identifier: Apache-2.0
// Compiles what of the guest is ours: init, and the small library that sftp-server is started with.
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

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
  ...(process.arch === 'x64' ? ['-fcf-protection'] : []),
  ...['-Wl,-z,relro,-z,now,-z,noexecstack', '-Wl,--build-id=none', '-s'],
]
const init = ['-static-pie', '-fPIE', '-ffunction-sections', '-fdata-sections', '-Wl,--gc-sections']
const library = ['-shared', '-fPIC']

/** @returns {Promise<{ init: Buffer, rootAccount: Buffer }>} */
export async function compileGuest() {
  const out = await mkdtemp(join(tmpdir(), 'microvm-guest-'))
  try {
    const files = (await readdir(sources)).filter((file) => file.endsWith('.c')).sort()
    const ours = files.filter((file) => file !== LIBRARY)
    return {
      init: await compile([...init, ...ours], join(out, 'init')),
      rootAccount: await compile([...library, LIBRARY], join(out, 'library')),
    }
  } finally {
    await rm(out, { recursive: true, force: true })
  }
}

/** @param {string[]} args @param {string} out */
async function compile(args, out) {
  try {
    await run('gcc', [...warnings, ...hardening, ...args, '-o', out], { cwd: sources })
  } catch (error) {
    const { code, stderr, message } = /** @type {NodeJS.ErrnoException & { stderr?: string }} */ (
      error
    )
    if (code === 'ENOENT')
      throw new Error('gcc is missing; install build-essential', { cause: error })
    throw new Error(`gcc failed\n${stderr || message}`, { cause: error })
  }
  return await readFile(out)
}
