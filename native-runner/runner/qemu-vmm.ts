// SPDX-License-Identifier: Apache-2.0
// QEMU as a Vmm: its process with four inherited channels, watched through QMP; and beside it, where the
// machine has shared folders, the process that serves them.
import { stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { MicrovmError } from '../../src/contract/errors'
import type { RunnerConfig } from '../../src/contract/runner-config'
import type { Child, ChildCommand } from '../process/child'
import type { OpenDisk } from './disk-files'
import { Qmp, type QmpEvent } from './qmp'
import { qemuArguments, qemuChannels, type QemuConfig } from './qemu-command'
import { diskDescriptors } from './qemu-disks'
import { serveShares, type ShareServer } from './virtiofsd'
import type { StartVmm, VmmEndReason, VmmEvents } from './vmm'

export interface QemuDeps {
  readonly spawnChild: (command: ChildCommand) => Promise<Child>
  readonly platform: NodeJS.Platform
}

/** QEMU's ShutdownCause (qapi/run-state.json) in our words. */
const endReasons: Readonly<Record<string, VmmEndReason>> = {
  'guest-reset': 'reset',
  'guest-shutdown': 'shutdown',
  'guest-panic': 'reset',
  'host-signal': 'signal',
  'host-qmp-quit': 'quit',
}

/** virtiofsd ends with QEMU: when it is first, QEMU's own end follows within this time. */
const QEMU_END_MS = 500

/** @throws HYPERVISOR_FAILED if QEMU, or what serves its shared folders, cannot be started at all */
export function startQemu(
  deps: QemuDeps,
  config: QemuConfig & Pick<RunnerConfig, 'socketDir'>,
  openDisks: () => Promise<readonly OpenDisk[]>,
): StartVmm {
  return async (events) => {
    const disks = await openDisks()
    await describeDisks(config)
    const shares = config.shares.length === 0 ? undefined : await startShares(deps, config)
    const child = await spawnQemu(deps, config, shares, disks)
    if (shares !== undefined) watchShares(shares, child, events)
    const [console, control, network, qmpStream] = child.channels as [
      Duplex,
      Duplex,
      Duplex,
      Duplex,
    ]
    let endReason: VmmEndReason
    const qmp = new Qmp(qmpStream, (event) => {
      if (event.event === 'SHUTDOWN') endReason = endReasons[String(event.data['reason'])]
      watch(event, qmp, events)
    })
    return {
      child,
      console,
      control,
      network,
      started: qmp.ready,
      get endReason() {
        return endReason
      },
      resume: async () => void (await qmp.execute('cont')),
      ...(shares === undefined ? {} : { tidy: shares.stop }),
    }
  }
}

/** Devices that hold several files are told by a file each; made anew for each boot, since QEMU writes to it. */
async function describeDisks(config: QemuConfig): Promise<void> {
  if (config.disks.length === 0) return
  const { size } = await stat(config.root.config)
  for (const [name, text] of diskDescriptors(config, size))
    await writeFile(join(config.vmDir, name), text, { mode: 0o600 })
}

async function startShares(
  { spawnChild, platform }: QemuDeps,
  { vmm, shares, socketDir }: QemuConfig & Pick<RunnerConfig, 'socketDir'>,
): Promise<ShareServer> {
  if (platform !== 'linux' || vmm.virtiofsd === undefined)
    throw new MicrovmError('HYPERVISOR_FAILED', 'QEMU has no virtiofsd to share folders with', {
      hint: 'QEMU shares folders on Linux only, and there with virtiofsd.',
    })
  return await serveShares({ spawnChild }, { executable: vmm.virtiofsd, shares, socketDir })
}

async function spawnQemu(
  deps: QemuDeps,
  config: QemuConfig,
  shares: ShareServer | undefined,
  disks: readonly OpenDisk[],
): Promise<Child> {
  try {
    return await deps.spawnChild({
      name: 'QEMU',
      executable: config.vmm.executable,
      args: qemuArguments(config, deps.platform),
      channels: qemuChannels.length,
      sockets: shares === undefined ? [] : [shares.socket],
      descriptors: disks.map(({ descriptor }) => descriptor),
      errorCode: 'HYPERVISOR_FAILED',
    })
  } catch (error) {
    await shares?.stop()
    throw error
  }
}

/** A guest whose folders are gone would wait for them for ever. */
function watchShares(shares: ShareServer, qemu: Child, events: VmmEvents): void {
  void shares.ended.then(async (reason) => {
    await Promise.race([qemu.exited, sleep(QEMU_END_MS)])
    if (qemu.running) events.onBroken(`the machine's shared folders are gone: ${reason}`)
  })
}

function watch({ event, data }: QmpEvent, qmp: Qmp, events: VmmEvents): void {
  if (event === 'BLOCK_IO_ERROR' && data['action'] === 'stop') {
    const reason = String(data['reason'])
    const full = data['nospace'] === true || /quota/i.test(reason)
    events.onPaused(full ? diskFull() : diskBroken(reason))
  }
  // The guest also stands still when the accelerator gives up ("internal-error").
  if (event === 'STOP')
    void qmp.execute('query-status').then(
      (answer) => {
        const status = (answer as { status?: unknown } | undefined)?.status
        if (status === 'internal-error') events.onBroken('the accelerator gave up on the guest')
      },
      () => undefined,
    )
}

const diskFull = (): MicrovmError =>
  new MicrovmError('DISK_FULL', 'the host’s disk is full, so the machine is paused', {
    hint: 'Free some space on the disk that holds the data directory; the machine then goes on by itself.',
  })

const diskBroken = (reason: string): MicrovmError =>
  new MicrovmError('HYPERVISOR_FAILED', `the machine's disk cannot be written: ${reason}`, {
    hint: 'Check the disk that holds the data directory, then resume the machine.',
  })
