// SPDX-License-Identifier: Apache-2.0
// One running virtual machine monitor, whichever it is: the supervisor knows no more of it.
import type { Duplex } from 'node:stream'
import type { MicrovmError } from '../../src/contract/errors'
import type { Child } from '../process/child'

/** What the VMM said about its end before it ended; undefined if it said nothing. */
export type VmmEndReason = 'reset' | 'shutdown' | 'signal' | 'quit' | undefined

export interface Vmm {
  readonly child: Child
  readonly console: Duplex
  /** The named port init talks through. */
  readonly control: Duplex
  /** Ethernet frames in QEMU's wire format. */
  readonly network: Duplex
  /** The guest's processors run. Rejects if they never do. */
  readonly started: Promise<void>
  readonly endReason: VmmEndReason
  /** Why it ended without a guest, as it said itself. */
  readonly failure?: MicrovmError | undefined
  /** Lets a paused guest go on. @throws HYPERVISOR_FAILED */
  resume(): Promise<void>
  /** Ends what else belongs to it; called once `child` has exited. Never rejects. */
  tidy?(): Promise<void>
}

export interface VmmEvents {
  /** The guest stands still because its disk cannot be written (DISK_FULL when the host's is full). */
  onPaused(error: MicrovmError): void
  /** The guest cannot go on, though the VMM still lives. */
  onBroken(reason: string): void
}

export type StartVmm = (events: VmmEvents) => Promise<Vmm>
