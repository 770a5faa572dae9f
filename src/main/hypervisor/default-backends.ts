// SPDX-License-Identifier: Apache-2.0
// The backends of this product, in order of preference: libkrun where it works, QEMU anywhere.
import type { Logger } from '../lib/logger'
import type { Parts } from '../lib/parts'
import type { Backend } from './backend'
import { readHostFeatures, type Obstacle } from './host-features'
import { createLibkrunBackend } from './libkrun/libkrun-backend'
import { createQemuBackend } from './qemu/qemu-backend'
import { spawnInUserNamespace } from './user-namespace'

export function defaultBackends(deps: {
  readonly parts: () => Promise<Parts>
  readonly cacheDir: string
  readonly env: NodeJS.ProcessEnv
  readonly logger: Logger
  readonly userNamespace: boolean
}): Backend[] {
  const { userNamespace, ...shared } = deps
  const spawner = userNamespace ? spawnInUserNamespace : undefined
  const qemu = createQemuBackend({ ...shared, spawner })
  const libkrun = createLibkrunBackend({
    ...shared,
    spawner,
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
