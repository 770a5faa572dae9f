// SPDX-License-Identifier: Apache-2.0
// The backends of this product, in order of preference: libkrun where it works, QEMU anywhere.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import type { Installation } from '../lib/installation'
import type { Logger } from '../lib/logger'
import type { Parts } from '../lib/parts'
import type { Backend } from './backend'
import { readHostFeatures, type Obstacle } from './host-features'
import { createLibkrunBackend } from './libkrun/libkrun-backend'
import { createQemuBackend } from './qemu/qemu-backend'
import type { Spawner } from './spawn-runner'
import { spawnInUserNamespace } from './user-namespace'

export function defaultBackends(deps: {
  readonly parts: () => Promise<Parts>
  readonly cacheDir: string
  readonly env: NodeJS.ProcessEnv
  readonly logger: Logger
  readonly userNamespace: boolean
  /** What a machine's processes run from. */
  readonly installation: Installation
}): Backend[] {
  const { userNamespace, installation, ...given } = deps
  const { runnerProgram, vmmProgram, scripts } = installation
  const start = userNamespace ? spawnInUserNamespace : spawn
  const spawner: Spawner = (_, args, options) => start(runnerProgram, args, options)
  const shared = { ...given, spawner, runnerPath: join(scripts, 'runner.js') }
  const qemu = createQemuBackend(shared)
  const libkrun = createLibkrunBackend({
    ...shared,
    executable: vmmProgram,
    vmmPath: join(scripts, 'krun-vmm.js'),
    obstacle: () => provenObstacle(qemu),
  })
  return [libkrun, qemu]
}

/** What looking finds; and where nothing speaks against it, what QEMU's trial of a real guest found. */
export async function provenObstacle(
  qemu: Pick<Backend, 'probe'>,
  features: () => ReturnType<typeof readHostFeatures> = readHostFeatures,
): Promise<Obstacle | undefined> {
  const { obstacle } = await features()
  if (obstacle !== undefined) return obstacle
  const probe = await qemu.probe()
  if (!probe.available || probe.choice.accelerator !== 'tcg') return undefined
  return {
    reason: probe.choice.reason,
    hint: 'Hardware virtualisation is there, but no guest runs under it: see the Doctor.',
  }
}
