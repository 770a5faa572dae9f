// SPDX-License-Identifier: Apache-2.0
// QEMU's `microvm` machine as a backend: what every host can run, with or without virtualisation.
// Probing costs a second at most, once per boot of the host; the answer is kept in a file, which
// holds as long as QEMU, the kernel and what the host offers stay the same.
import { execFile } from 'node:child_process'
import { mkdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { z } from 'zod'
import { backendChoiceSchema } from '../../../contract/vm-state'
import { writeFileAtomic } from '../../lib/atomic-file'
import type { Logger } from '../../lib/logger'
import type { Parts } from '../../lib/parts'
import type { Backend, BackendProbe } from '../backend'
import { spawnRunner } from '../spawn-runner'
import { chooseAccelerator, readHostFeatures, tryAccelerator } from './accelerator'

const run = promisify(execFile)

const CACHE_FILE = 'qemu-probe.json'
const MIN_VERSION = { major: 7, minor: 2 }
const VERSION_TIMEOUT_MS = 10_000
const INSTALL_HINT =
  'Install QEMU 7.2 or newer: `apt-get install qemu-system-x86` on Debian and Ubuntu, `dnf install qemu-system-x86` on Fedora, `brew install qemu` on macOS.'

const availableSchema = z.object({
  available: z.literal(true),
  choice: backendChoiceSchema,
  detail: z.string(),
})
const cacheSchema = z.object({ key: z.string(), probe: availableSchema })

export interface QemuBackendOptions {
  readonly parts: () => Promise<Parts>
  /** Where the probe's answer is kept. */
  readonly cacheDir: string
  readonly logger: Logger
}

export function createQemuBackend(options: QemuBackendOptions): Backend {
  let last: { key: string; probe: Promise<BackendProbe> } | undefined
  return {
    name: 'qemu',
    rootfs: 'disk',
    async probe() {
      const { qemu, kernel } = await options.parts()
      if (!qemu.found) return { available: false, reason: 'QEMU is missing', hint: qemu.hint }
      if (!kernel.found)
        return { available: false, reason: 'the guest kernel is missing', hint: kernel.hint }
      const target = { qemu: qemu.path, kernel: kernel.path }
      const key = await probeKey(target)
      if (last?.key !== key) last = { key, probe: remembered(options, key, () => probe(target)) }
      return await last.probe
    },
    start: spawnRunner,
  }
}

interface Target {
  readonly qemu: string
  readonly kernel: string
}

/** Everything the answer depends on: the parts, this boot of the host, and what it offers. */
async function probeKey({ qemu, kernel }: Target): Promise<string> {
  const features = await readHostFeatures()
  const files = await Promise.all([qemu, kernel].map((path) => stat(path).catch(() => undefined)))
  const parts = files.map((file) => [file?.ino, file?.size, file?.mtimeMs])
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '')
  return JSON.stringify([qemu, kernel, parts, boot.trim(), features])
}

async function remembered(
  { cacheDir, logger }: QemuBackendOptions,
  key: string,
  ask: () => Promise<BackendProbe>,
): Promise<BackendProbe> {
  const path = join(cacheDir, CACHE_FILE)
  const cached = await readCache(path)
  if (cached?.key === key) return cached.probe
  const answer = await ask()
  logger.info('QEMU probed', { ...answer })
  // Only good news is kept: what is missing may be there the next moment.
  if (answer.available)
    await mkdir(cacheDir, { recursive: true, mode: 0o700 })
      .then(() => writeFileAtomic(path, `${JSON.stringify({ key, probe: answer })}\n`))
      .catch((error: unknown) => logger.warn('the probe cannot be remembered', { error }))
  return answer
}

async function readCache(path: string): Promise<z.infer<typeof cacheSchema> | undefined> {
  try {
    const parsed = cacheSchema.safeParse(JSON.parse(await readFile(path, 'utf8')))
    return parsed.data
  } catch {
    return undefined // a cache: whatever is wrong with it, asking again is right
  }
}

async function probe(target: Target): Promise<BackendProbe> {
  const version = await qemuVersion(target.qemu)
  if (!version.found) return { available: false, reason: version.reason, hint: INSTALL_HINT }
  const { accelerator, reason } = await chooseAccelerator(await readHostFeatures(), (name) =>
    tryAccelerator(target, name),
  )
  return {
    available: true,
    choice: { name: 'qemu', accelerator, reason },
    detail: `QEMU ${version.text} at ${target.qemu}`,
  }
}

async function qemuVersion(
  path: string,
): Promise<{ found: true; text: string } | { found: false; reason: string }> {
  try {
    const { stdout } = await run(path, ['--version'], { timeout: VERSION_TIMEOUT_MS })
    return judgeVersion(stdout, path)
  } catch (error) {
    return { found: false, reason: `${path} cannot be run: ${(error as Error).message}` }
  }
}

/** @param output of `qemu-system-x86_64 --version`: "QEMU emulator version 7.2.22 (Debian …)" */
export function judgeVersion(
  output: string,
  path: string,
): { found: true; text: string } | { found: false; reason: string } {
  const match = /version ((\d+)\.(\d+)(?:\.\d+)*)/.exec(output)
  if (!match) return { found: false, reason: `${path} does not tell its version` }
  const [, text = '', major, minor] = match
  const newEnough =
    Number(major) > MIN_VERSION.major ||
    (Number(major) === MIN_VERSION.major && Number(minor) >= MIN_VERSION.minor)
  return newEnough
    ? { found: true, text }
    : { found: false, reason: `QEMU ${text} at ${path} is too old` }
}
