// SPDX-License-Identifier: Apache-2.0
// What gives a machine its network. The runner talks to this interface only; gvproxy is the default
// behind it. Whatever the provider, frames travel in QEMU's wire format: 4 bytes length, big-endian,
// then the Ethernet frame.
import type { Duplex } from 'node:stream'

export interface Network {
  /** Frames to and from the network; stays open as long as the network lives. */
  readonly link: Duplex
  /** Serves the API: forwards, statistics, tunnels into the guest. */
  readonly apiSocket: string
  /** Resolves when the network is gone for whatever reason, with a sentence that says which. */
  readonly ended: Promise<string>
  readonly forwarder: Forwarder
  /** Resolves when nothing of it is left: no process, no socket. */
  stop(): Promise<void>
}

export interface NetworkProvider {
  readonly name: string
  /**
   * Resolves when frames flow and the API answers.
   * @throws NETWORK_FAILED, with nothing left behind
   */
  start(config: { socketDir: string; signal?: AbortSignal }): Promise<Network>
}

/** Opens host ports on 127.0.0.1 that lead to the guest. */
export interface Forwarder {
  /** @throws PORT_IN_USE, PERMISSION_DENIED, NETWORK_FAILED */
  expose(hostPort: number, guestPort: number): Promise<void>
  unexpose(hostPort: number): Promise<void>
}
