// SPDX-License-Identifier: Apache-2.0
// QEMU as a Vmm: its process with four inherited channels, watched through QMP.
import type { Duplex } from 'node:stream'
import { MicrovmError } from '../../src/contract/errors'
import type { Child, ChildCommand } from '../process/child'
import { Qmp, type QmpEvent } from './qmp'
import { qemuArguments, qemuChannels, type QemuConfig } from './qemu-command'
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

/** @throws HYPERVISOR_FAILED if QEMU cannot be started at all */
export function startQemu(deps: QemuDeps, config: QemuConfig): StartVmm {
  return async (events) => {
    const child = await deps.spawnChild({
      name: 'QEMU',
      executable: config.vmm.executable,
      args: qemuArguments(config, deps.platform),
      channels: qemuChannels.length,
      errorCode: 'HYPERVISOR_FAILED',
    })
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
    }
  }
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
