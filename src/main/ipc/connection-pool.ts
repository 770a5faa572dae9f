// SPDX-License-Identifier: Apache-2.0
// SSH connections shared by the terminals of a machine. The guest's sshd allows 10 channels each, so
// one more terminal opens another connection. A connection closes with its last terminal.
import type { GuestConnection } from '../ssh/guest-connection'

const CHANNELS_PER_CONNECTION = 10

export type TerminalConnection = Pick<GuestConnection, 'exec' | 'onClose' | 'close'>
type Connect = (vmId: string) => Promise<TerminalConnection>

export interface Lease {
  readonly connection: TerminalConnection
  /** Gives the channel back; safe to call twice. */
  release(): void
}

interface Shared {
  readonly opening: Promise<TerminalConnection>
  leases: number
}

export class ConnectionPool {
  readonly #connect: Connect
  readonly #byVm = new Map<string, Set<Shared>>()

  constructor(connect: Connect) {
    this.#connect = connect
  }

  /** A connection with a channel to spare; rejects with what connecting rejected with. */
  async lease(vmId: string): Promise<Lease> {
    const all = this.#byVm.get(vmId) ?? new Set()
    this.#byVm.set(vmId, all)
    const shared = [...all].find(hasRoom) ?? this.#open(vmId, all)
    shared.leases += 1
    try {
      const connection = await shared.opening
      return { connection, release: once(() => this.#release(vmId, shared, connection)) }
    } catch (error) {
      this.#forget(vmId, shared)
      throw error
    }
  }

  #open(vmId: string, all: Set<Shared>): Shared {
    const shared: Shared = { opening: this.#connect(vmId), leases: 0 }
    all.add(shared)
    void shared.opening
      .then((connection) => connection.onClose(() => this.#forget(vmId, shared)))
      .catch(() => undefined)
    return shared
  }

  #release(vmId: string, shared: Shared, connection: TerminalConnection): void {
    shared.leases -= 1
    if (shared.leases > 0) return
    this.#forget(vmId, shared)
    connection.close()
  }

  /** No new terminal gets it; those that have it keep it. */
  #forget(vmId: string, shared: Shared): void {
    const all = this.#byVm.get(vmId)
    all?.delete(shared)
    if (all?.size === 0) this.#byVm.delete(vmId)
  }
}

const hasRoom = (shared: Shared): boolean => shared.leases < CHANNELS_PER_CONNECTION

function once(action: () => void): () => void {
  let done = false
  return () => {
    if (done) return
    done = true
    action()
  }
}
