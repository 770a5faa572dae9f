// SPDX-License-Identifier: Apache-2.0
import { expect, it } from 'vitest'
import { guestShares, runnerShares } from '../../../../src/main/run/shares'

const owner = { uid: 1000, gid: 100 }
const mounts = [
  { hostPath: '/home/me/src', guestPath: '/src', readOnly: false },
  { hostPath: '/srv', guestPath: '/data', readOnly: true, owner },
]

it('a shared folder is served and mounted by the same tag', () => {
  expect(runnerShares(mounts)).toEqual([
    { tag: 'share-0', hostPath: '/home/me/src', readOnly: false },
    { tag: 'share-1', hostPath: '/srv', readOnly: true, owner },
  ])
  expect(guestShares(mounts)).toEqual([
    { tag: 'share-0', target: '/src', readOnly: false },
    { tag: 'share-1', target: '/data', readOnly: true },
  ])
})
