// SPDX-License-Identifier: Apache-2.0
import { expect, it } from 'vitest'
import { isVisible } from '../../../../../../src/renderer/features/vms/machine-page/visible-text'

it.each([
  ['', false],
  [' \r\n\t', false],
  ['\x1b[6n', false],
  ['\x1b[0;32m\x1b[K\r\n\x07', false],
  ['\x1b]0;title\x07', false],
  ['\x1b[32m# \x1b[0m', true],
  ['boot', true],
])('tells whether %j shows anything', (text, visible) => {
  expect(isVisible(text)).toBe(visible)
})
