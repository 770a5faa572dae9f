// SPDX-License-Identifier: Apache-2.0
// Everything the product can do, without a window: the app's IPC handlers and the CLI are two
// faces of this one object. Plain Node; imports no Electron.
import type { DoctorReport, VmView } from '../contract/ipc'
import type { OnProgress } from '../contract/images'
import type { PortForward, VmSpecInput } from '../contract/vm-spec'
import type { ImageStore } from './image/image-store'
import type { GuestConnection } from './ssh/guest-connection'

export type VmEvent =
  | { readonly type: 'changed'; readonly vm: VmView }
  | { readonly type: 'removed'; readonly id: string }

export interface StartOptions {
  readonly onProgress?: OnProgress
  readonly signal?: AbortSignal
}

export interface Machines {
  /** Machines on disk, running ones adopted; also those another process made. */
  list(): Promise<VmView[]>
  /** By id, name or unambiguous id prefix; NOT_FOUND otherwise. */
  get(idOrName: string): Promise<VmView>
  suggestName(): Promise<string>
  create(spec: VmSpecInput): Promise<VmView>
  /** Resolves when sshd answers in the guest (status `running`). */
  start(id: string, options?: StartOptions): Promise<VmView>
  /** Asks the guest, then TERM, then KILL. Resolves when it is off and nothing of it is left running. */
  stop(id: string, options?: { force?: boolean }): Promise<VmView>
  restart(id: string, options?: StartOptions): Promise<VmView>
  resume(id: string): Promise<VmView>
  remove(id: string): Promise<void>
  setPorts(id: string, ports: readonly PortForward[]): Promise<VmView>
  /** Pinned host key, key of this machine; no host port involved. Waits for sshd up to its time limit. */
  connect(id: string, signal?: AbortSignal): Promise<GuestConnection>
  /** At most `maxBytes` from the end of the console log. */
  readConsole(id: string, maxBytes: number): Promise<string>
  /** New console output as it comes; returns the function that stops it. */
  followConsole(id: string, listener: (text: string) => void): () => void
  /** Every change, whoever made it; returns the function that unsubscribes. */
  subscribe(listener: (event: VmEvent) => void): () => void
}

export interface Engine {
  readonly machines: Machines
  readonly images: ImageStore
  doctor(): Promise<DoctorReport>
  /** Stops watching and closes connections; machines keep running. */
  close(): Promise<void>
}
