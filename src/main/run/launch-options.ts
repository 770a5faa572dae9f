// SPDX-License-Identifier: Apache-2.0
// What a caller may add to one launch, beyond the machine's spec. None of it is stored: it holds
// for this start only.
import type { OnProgress } from '../../contract/images'
import type { VmSpec } from '../../contract/vm-spec'
import type { PreflightCheck } from '../preflight/checks'
import type { GuestConnection } from '../ssh/guest-connection'
import type { GuestFile } from './guest-files'

export interface LaunchOptions {
  readonly onProgress?: OnProgress
  readonly signal?: AbortSignal
  /** Written into the guest's root before anything of the image runs; over files of the same path. */
  readonly files?: readonly GuestFile[]
  /** Lines of authorized_keys that may log in beside our own key. */
  readonly authorizedKeys?: readonly string[]
  /** Added to our own checks, or in place of one of the same name. */
  readonly checks?: readonly PreflightCheck[]
  /** Run in order once a shell can be had. One that fails stops the machine. */
  readonly afterBoot?: readonly AfterBootHook[]
}

export interface AfterBootHook {
  /** For the error: "after boot: install packages: …". */
  readonly name: string
  run(machine: {
    readonly id: string
    readonly spec: VmSpec
    readonly connection: GuestConnection
    readonly signal: AbortSignal | undefined
  }): Promise<void>
}
