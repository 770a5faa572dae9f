// SPDX-License-Identifier: Apache-2.0
// What runs machines. A backend says whether and how it works on this host, what view of an image
// it boots from, and starts the runner of one machine. It knows nothing of images, specs or state.
import type { RunnerConfigInput, RunnerRoot, RunnerVmm } from '../../contract/runner-config'
import type { BackendName } from '../../contract/vm-spec'
import type { BackendChoice, ProcessIdentity, VmState } from '../../contract/vm-state'
import type { RunnerClient } from './runner-client'

/** Whether a backend can run machines here, in words for the Doctor. */
export type BackendProbe =
  | {
      readonly available: true
      readonly choice: BackendChoice
      /** "QEMU 7.2.22 at /usr/bin/qemu-system-x86_64" */
      readonly detail: string
      /** What would make it work better. */
      readonly hint?: string | undefined
      /** The view of an image's tree it boots from: the bootable disk, or a directory shared with the guest. */
      readonly rootfs: RunnerRoot['kind']
      /** The most CPUs it gives one machine. */
      readonly maxCpus: number
    }
  | { readonly available: false; readonly reason: string; readonly hint: string }

export interface Backend {
  readonly name: BackendName
  /** Never throws; a good answer is remembered until the host boots again or a part changes. */
  probe(): Promise<BackendProbe>
  /**
   * What the runner has to know of this backend alone.
   * @param needs.shares whether the machine has folders of the host's
   * @throws PREFLIGHT_FAILED naming a part that is missing
   */
  prepare(needs: { readonly shares: boolean }): Promise<RunnerVmm>
  /**
   * Writes runner.json, starts the runner and waits until it answers. The guest boots on.
   * @throws what the runner failed with at once (PORT_IN_USE, NETWORK_FAILED, …), RUNNER_FAILED with
   *   the end of runner.log, CANCELLED; the runner is gone by then
   */
  start(config: RunnerConfigInput, options?: { signal?: AbortSignal }): Promise<VmHandle>
}

/** A running machine, as far as this process is concerned: its runner. */
export interface VmHandle {
  readonly id: string
  readonly runner: ProcessIdentity
  readonly client: RunnerClient
  isAlive(): Promise<boolean>
  /**
   * Asks the runner to stop the guest; a runner that does not answer gets TERM, then KILL at 30 s,
   * and its children die with it. Resolves when the runner is gone.
   * @returns the last state the runner told, if it told any
   * @throws PERMISSION_DENIED if the runner belongs to someone else
   */
  stop(options?: { force?: boolean }): Promise<VmState | undefined>
}
