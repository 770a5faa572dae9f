// SPDX-License-Identifier: Apache-2.0
import { expect, it } from 'vitest'
import { instructionText } from '../../../../../src/renderer/features/images/instruction-text'

it.each([
  ['/bin/sh -c #(nop) ADD file:4ee5 in / ', 'ADD file:4ee5 in /'],
  ['/bin/sh -c apt-get update', 'RUN apt-get update'],
  ['RUN /bin/sh -c apt-get update # buildkit', 'RUN apt-get update'],
  ['COPY dist /srv/app # buildkit', 'COPY dist /srv/app'],
  ['debian bookworm rootfs', 'debian bookworm rootfs'],
  ['', ''],
])('reads the history entry %j as %j', (entry, instruction) => {
  expect(instructionText(entry)).toBe(instruction)
})
