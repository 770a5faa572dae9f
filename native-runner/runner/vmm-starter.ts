// SPDX-License-Identifier: Apache-2.0
// Which VMM a machine's config asks for.
import { MicrovmError } from '../../src/contract/errors'
import type { RunnerConfig } from '../../src/contract/runner-config'
import { openDisks, type OpenDisk } from './disk-files'
import { startKrun, type KrunDeps } from './krun-vmm'
import { startQemu, type QemuDeps } from './qemu-vmm'
import type { StartVmm } from './vmm'

/** @throws INVALID_ARGUMENT for a config no VMM can run */
export function vmmStarter(deps: QemuDeps & KrunDeps, config: RunnerConfig): StartVmm {
  const { vmm, root } = config
  // Once for all boots of this runner: between two of them nobody else gets the files.
  let opening: Promise<OpenDisk[]> | undefined
  const open = (): Promise<OpenDisk[]> => (opening ??= openDisks(config.disks))
  if (vmm.kind === 'libkrun') return startKrun(deps, { ...config, vmm }, open)
  if (root.kind === 'disk') return startQemu(deps, { ...config, vmm, root }, open)
  throw new MicrovmError('INVALID_ARGUMENT', `${vmm.kind} does not boot from a ${root.kind}`)
}
