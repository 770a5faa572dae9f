// SPDX-License-Identifier: Apache-2.0
import { expect, it } from 'vitest'
import { usersOf } from '../../../../../src/renderer/features/images/image-users'
import { vmView } from '../vms/vm-views'

it('finds machines made from an image, by whatever name, and those that wait to be', () => {
  const spec = { image: 'debian:12' }
  const made = (digest: string) => ({ view: { imageDigest: digest }, spec })
  const vms = [
    vmView('web', 'running', made('sha256:a')),
    vmView('older', 'stopped', made('sha256:b')),
    vmView('db', 'stopped', { ...made('sha256:a'), spec: { image: 'mine:1' } }),
    vmView('new', 'stopped', { spec }),
    vmView('other', 'stopped', { spec: { image: 'alpine' } }),
  ]
  const byId = Object.fromEntries(vms.map((vm) => [vm.id, vm]))
  const users = usersOf({ reference: 'debian:12', digest: 'sha256:a' }, byId)
  expect(users.map((vm) => vm.spec.name)).toEqual(['db', 'new', 'web'])
})
