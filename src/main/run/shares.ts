// SPDX-License-Identifier: Apache-2.0
// The folders a machine shares with the host, for both ends: the runner, which serves each under a tag, and
// the guest's init, which mounts what has that tag.
import type { RunnerShare } from '../../contract/runner-config'
import type { Mount } from '../../contract/vm-spec'
import type { GuestConfig } from '../guest/config-drive'

const tagOf = (index: number): string => `share-${index}`

export function runnerShares(mounts: readonly Mount[]): RunnerShare[] {
  return mounts.map(({ hostPath, readOnly, owner }, index) => ({
    tag: tagOf(index),
    hostPath,
    readOnly,
    ...(owner === undefined ? {} : { owner }),
  }))
}

export function guestShares(mounts: readonly Mount[]): GuestConfig['shares'] {
  return mounts.map(({ guestPath, readOnly }, index) => ({
    tag: tagOf(index),
    target: guestPath,
    readOnly,
  }))
}
