// SPDX-License-Identifier: Apache-2.0
import { expect, it } from 'vitest'
import { crc32c } from '../../../../../src/main/rootfs/erofs/crc32c'

it('is the well-known CRC32C without its last inversion', () => {
  expect(~crc32c(Buffer.from('123456789')) >>> 0).toBe(0xe3069283)
})
