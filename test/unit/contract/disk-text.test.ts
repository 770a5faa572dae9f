// SPDX-License-Identifier: Apache-2.0
import { expect, it } from 'vitest'
import { diskAsText, diskFromText } from '../../../src/contract/disk-text'

const HEX = 'ab'.repeat(32)

it.each([
  ['/srv/disk.img', { source: '/srv/disk.img' }],
  [`/srv/a b#sha256=${HEX}`, { source: `/srv/a b#sha256=${HEX}` }],
  [' https://example.org/x.img ', { source: 'https://example.org/x.img' }],
  [`https://example.org/x.img#sha256=${HEX}`, { source: 'https://example.org/x.img', sha256: HEX }],
  [`HTTP://localhost/x#sha256=${HEX.toUpperCase()}`, { source: 'HTTP://localhost/x', sha256: HEX }],
  ['https://example.org/x#sha256=short', { source: 'https://example.org/x', sha256: 'short' }],
  ['https://example.org/x#part', { source: 'https://example.org/x#part' }],
])('a disk from %s', (text, expected) => {
  const parsed = diskFromText(text)
  expect(parsed).toEqual(expected)
  expect(diskFromText(diskAsText(parsed))).toEqual(parsed)
})
