// SPDX-License-Identifier: Apache-2.0
import { expect, it } from 'vitest'
import { hostPortFor } from '../../../../../../src/renderer/features/vms/new-machine/host-port'

it('proposes host ports nobody needs privileges for', () => {
  expect([80, 443, 22, 5432, 65_535].map(hostPortFor)).toEqual([8080, 8443, 8022, 5432, 65_535])
})
