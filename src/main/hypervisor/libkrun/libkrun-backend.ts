// SPDX-License-Identifier: Apache-2.0
// libkrun as a backend: KVM on Linux, Hypervisor.framework on Apple silicon; nothing without them. This
// process never loads the library: krun-vmm does, in a child that says what it can do, and later in one
// per machine. The answer holds as long as the library, krun-vmm and what the host offers stay the same.
import { execFile } from 'node:child_process'
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { krunRootKind } from '../../../contract/krun-probe'
import { vmLimits } from '../../../contract/vm-spec'
import { entryPoint, nodeProgram } from '../../lib/entry-points'
import type { Logger } from '../../lib/logger'
import { libkrunFile, requirePart, type Part, type Parts } from '../../lib/parts'
import type { Backend, BackendProbe } from '../backend'
import type { Obstacle } from '../host-features'
import { createProbeMemory, versionOf } from '../probe-memory'
import { spawnRunner, type Spawner } from '../spawn-runner'
import { loadLibrary, type KrunProgram } from './load-library'

const run = promisify(execFile)

/** What macOS wants of the program that enters the hypervisor (assets/entitlements.plist). */
const HYPERVISOR_ENTITLEMENT = 'com.apple.security.hypervisor'
const CODESIGN_TIMEOUT_MS = 10_000
const SETUP_HINT = 'Run `npm run setup` in the project’s folder, or install the app again.'

export interface LibkrunBackendOptions {
  readonly parts: () => Promise<Parts>
  /** Why no guest can run under hardware virtualisation here; undefined where one can. */
  readonly obstacle: () => Promise<Obstacle | undefined>
  /** Where the probe's answer is kept. */
  readonly cacheDir: string
  readonly env: NodeJS.ProcessEnv
  readonly logger: Logger
  /** Folder with libkrun and libkrunfw; as `parts` says unless given. */
  readonly libDir?: string | undefined
  /** What runs krun-vmm; the one for this program unless given. */
  readonly executable?: string | undefined
  /** The runner's script, and krun-vmm's; the built ones unless given. */
  readonly runnerPath?: string | undefined
  readonly vmmPath?: string | undefined
  /** How the runner's process is started. */
  readonly spawner?: Spawner | undefined
  /** This host's unless given. */
  readonly platform?: NodeJS.Platform
  readonly arch?: string
}

export function createLibkrunBackend(options: LibkrunBackendOptions): Backend {
  const memory = createProbeMemory(options.cacheDir, 'libkrun-probe.json', options.logger)
  const { platform = process.platform, arch = process.arch } = options
  const program = async (): Promise<KrunProgram & { readonly library: Part }> => {
    const library: Part =
      options.libDir === undefined
        ? (await options.parts()).libkrun
        : { found: true, path: options.libDir, from: 'setting' }
    return {
      library,
      executable: options.executable ?? nodeProgram('krun-vmm'),
      script: options.vmmPath ?? entryPoint('krun-vmm'),
      libDir: library.found && !isLinkersOwn(library) ? library.path : undefined,
    }
  }
  return {
    name: 'libkrun',
    async probe() {
      if (platform === 'darwin' && arch !== 'arm64')
        return unavailable('on macOS it needs Apple silicon', 'Use QEMU on this Mac.')
      const obstacle = await options.obstacle()
      if (obstacle !== undefined) return unavailable(obstacle.reason, obstacle.hint)
      const { library, ...rest } = await program()
      if (!library.found) return unavailable('it is not installed', library.hint)
      const missing = await access(rest.script).then(
        () => false,
        () => true,
      )
      if (missing) return unavailable(`${rest.script} is missing`, SETUP_HINT)
      const files = [rest.script, join(library.path, libkrunFile)]
      const key = JSON.stringify([rest, files, await versionOf(files)])
      return await memory.remember(key, () => probe(rest, library.path, platform, options.env))
    },
    async prepare() {
      const { library, ...rest } = await program()
      const parts = await options.parts()
      requirePart({ ...parts, libkrun: library }, 'libkrun', 'libkrun')
      return {
        kind: 'libkrun',
        executable: rest.executable,
        script: rest.script,
        ...(rest.libDir === undefined ? {} : { libDir: rest.libDir }),
        ...(parts.kernel.found ? { kernel: parts.kernel.path } : {}),
      }
    },
    start: (config, { signal } = {}) =>
      spawnRunner(config, { signal, script: options.runnerPath, spawner: options.spawner }),
  }
}

async function probe(
  program: KrunProgram,
  folder: string,
  platform: NodeJS.Platform,
  env: NodeJS.ProcessEnv,
): Promise<BackendProbe> {
  if (platform === 'darwin' && !(await isEntitled(program.executable)))
    return unavailable(
      `${program.executable} is not signed for Hypervisor.framework`,
      'docs/MACOS.md says how to sign it.',
    )
  const answer = await loadLibrary(program, env)
  if (!answer.loaded) {
    const { message, hint } = answer.error
    return unavailable(message, hint ?? 'Install a libkrun from 1.9 on that fits this system.')
  }
  const { features, version, maxCpus } = answer
  if (!features.network)
    return unavailable(`the libkrun in ${folder} was built without networking`, 'Install another.')
  const accelerator = platform === 'darwin' ? 'hvf' : 'kvm'
  return {
    available: true,
    choice: { name: 'libkrun', accelerator, reason: 'libkrun and hardware virtualisation work' },
    detail: `libkrun${version === undefined ? '' : ` ${version}`} in ${folder}`,
    rootfs: krunRootKind(features),
    maxCpus: Math.min(vmLimits.cpus.max, maxCpus),
  }
}

function unavailable(reason: string, hint: string): BackendProbe {
  return { available: false, reason, hint }
}

/** Folders the dynamic linker looks into anyway: naming them would only put them before a program's own. */
function isLinkersOwn(part: Part): boolean {
  return part.found && part.from === 'system' && /^\/usr\/lib(64)?(\/|$)/.test(part.path)
}

async function isEntitled(executable: string): Promise<boolean> {
  const { stdout } = await run('codesign', ['-d', '--entitlements', '-', '--xml', executable], {
    timeout: CODESIGN_TIMEOUT_MS,
  }).catch(() => ({ stdout: '' }))
  return stdout.includes(HYPERVISOR_ENTITLEMENT)
}
