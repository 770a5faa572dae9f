// SPDX-License-Identifier: Apache-2.0
// QEMU's `microvm` machine as a backend: what every host can run, with or without virtualisation.
// Probing costs a second at most, once per boot of the host; the answer holds as long as QEMU, the
// kernel and what the host offers stay the same.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { vmLimits } from '../../../contract/vm-spec'
import type { Logger } from '../../lib/logger'
import { requirePart, type Parts } from '../../lib/parts'
import type { Backend, BackendProbe } from '../backend'
import { readHostFeatures } from '../host-features'
import { createProbeMemory, versionOf } from '../probe-memory'
import { spawnRunner, type Spawner } from '../spawn-runner'
import { chooseAccelerator, machineFor, tryAccelerator } from './accelerator'

const run = promisify(execFile)

const MIN_VERSION = { major: 7, minor: 2 }
const ANSWER_TIMEOUT_MS = 10_000
const INSTALL_HINT =
  'Install QEMU 7.2 or newer: `apt-get install qemu-system-x86` on Debian and Ubuntu, `dnf install qemu-system-x86` on Fedora, `brew install qemu` on macOS.'

export interface QemuBackendOptions {
  readonly parts: () => Promise<Parts>
  /** Where the probe's answer is kept. */
  readonly cacheDir: string
  readonly logger: Logger
  readonly runnerPath?: string | undefined
  readonly spawner?: Spawner | undefined
  /** The guest's architecture, which the QEMU among the parts is for; this host's unless given. */
  readonly arch?: string
}

export function createQemuBackend(options: QemuBackendOptions): Backend {
  const { parts, runnerPath: script, spawner, arch = process.arch } = options
  const memory = createProbeMemory(options.cacheDir, 'qemu-probe.json', options.logger)
  const sandboxed = new Map<string, Promise<boolean>>()
  return {
    name: 'qemu',
    async probe() {
      const { qemu, kernel } = await parts()
      if (!qemu.found) return { available: false, reason: 'QEMU is not installed', hint: qemu.hint }
      if (!kernel.found)
        return { available: false, reason: 'the guest kernel is missing', hint: kernel.hint }
      const target = { qemu: qemu.path, kernel: kernel.path }
      const versions = await versionOf([qemu.path, kernel.path])
      const key = JSON.stringify([target, versions, await readHostFeatures()])
      return await memory.remember(key, () => probe(target))
    },
    async prepare({ shares }) {
      const found = await parts()
      const executable = requirePart(found, 'qemu', 'QEMU')
      const kernel = requirePart(found, 'kernel', 'guest kernel')
      const version = JSON.stringify([executable, await versionOf([executable])])
      const sandbox = sandboxed.get(version) ?? knowsSandbox(executable)
      sandboxed.set(version, sandbox)
      return {
        kind: 'qemu',
        executable,
        kernel,
        machine: machineFor(arch),
        sandbox: await sandbox,
        ...(shares ? { virtiofsd: requirePart(found, 'virtiofsd', 'virtiofsd') } : {}),
      }
    },
    start: (config, { signal } = {}) => spawnRunner(config, { signal, script, spawner }),
  }
}

interface Target {
  readonly qemu: string
  readonly kernel: string
}

async function probe(target: Target): Promise<BackendProbe> {
  const version = await qemuVersion(target.qemu)
  if (!version.found) return { available: false, reason: version.reason, hint: INSTALL_HINT }
  const { accelerator, reason, hint } = await chooseAccelerator(await readHostFeatures(), (name) =>
    tryAccelerator(target, name),
  )
  return {
    available: true,
    choice: { name: 'qemu', accelerator, reason },
    detail: `QEMU ${version.text} at ${target.qemu}`,
    ...(hint === undefined ? {} : { hint }),
    rootfs: 'disk',
    maxCpus: vmLimits.cpus.max,
  }
}

/** Built without seccomp, QEMU refuses to start with `-sandbox`; its help then says so or leaves it out. */
async function knowsSandbox(path: string): Promise<boolean> {
  if (process.platform !== 'linux') return false
  const { stdout } = await run(path, ['-sandbox', 'on', '--version'], {
    timeout: ANSWER_TIMEOUT_MS,
  }).catch(() => ({ stdout: '' }))
  return stdout.includes('version')
}

async function qemuVersion(
  path: string,
): Promise<{ found: true; text: string } | { found: false; reason: string }> {
  try {
    const { stdout } = await run(path, ['--version'], { timeout: ANSWER_TIMEOUT_MS })
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
