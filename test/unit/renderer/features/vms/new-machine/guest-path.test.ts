// SPDX-License-Identifier: Apache-2.0
import { expect, it } from 'vitest'
import { proposedGuestPath } from '../../../../../../src/renderer/features/vms/new-machine/guest-path'

it.each([
  ['/home/me/src', [], '/mnt/src'],
  ['/home/me/my work/', [], '/mnt/my work'],
  ['/', [], '/mnt/host'],
  ['/a/src', ['/mnt/src'], '/mnt/src-2'],
  ['/b/src', ['/mnt/src', '/mnt/src-2'], '/mnt/src-3'],
])('for %s, with %j taken, proposes %s', (hostPath, taken, expected) => {
  expect(proposedGuestPath(hostPath, taken)).toBe(expected)
})
