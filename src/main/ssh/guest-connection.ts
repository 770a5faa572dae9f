// SPDX-License-Identifier: Apache-2.0
// One authenticated SSH connection into a guest, as CLI and terminals use it.
import type { Duplex, Readable, Writable } from 'node:stream'

export interface ExecOptions {
  /** Asks for a PTY of this size. */
  readonly pty?: { readonly cols: number; readonly rows: number; readonly term?: string }
  readonly env?: Readonly<Record<string, string>>
}

export interface GuestProcess {
  readonly stdin: Writable
  /** Reading slowly slows the guest: at most SSH's window (2 MiB) is held here. */
  readonly stdout: Readable
  readonly stderr: Readable
  /**
   * Exit code, 128+n if a signal ended it; rejects with SSH_FAILED if the connection broke.
   * Output may still be on its way: it is complete when stdout and stderr have ended.
   */
  readonly exited: Promise<number>
  resize(cols: number, rows: number): void
  /** Asks the guest to signal the process. false: too late, its stdin has been ended. */
  signal(name: NodeJS.Signals): boolean
  /** Asks the guest to hang up on the process; closes the channel. */
  kill(): void
}

export interface GuestConnection {
  /** `command` is a shell command line; undefined: the login shell. */
  exec(command: string | undefined, options?: ExecOptions): Promise<GuestProcess>
  /** TCP from here to a port in the guest's own loopback. */
  forward(port: number): Promise<Duplex>
  /** Copies a file of the host into the guest. `mode`: permission bits, 0644 unless given. */
  copyTo(hostPath: string, guestPath: string, options?: { mode?: number }): Promise<void>
  /** Copies a file of the guest to the host; nothing is left there if it fails. */
  copyFrom(guestPath: string, hostPath: string): Promise<void>
  /** Called once, when the connection is gone for any reason. */
  onClose(listener: () => void): void
  close(): void
}
