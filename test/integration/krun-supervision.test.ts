// SPDX-License-Identifier: Apache-2.0
import { afterAll } from 'vitest'
import { entryPoint } from '../../src/main/lib/entry-points'
import { makeLibkrun } from '../support/recording-libkrun'
import { describeSupervision } from '../support/supervision-suite'

const library = await makeLibkrun()
afterAll(() => library.dispose())

describeSupervision(
  'libkrun’s launcher',
  {
    kind: 'libkrun',
    executable: process.execPath,
    script: entryPoint('krun-vmm'),
    libDir: library.libDir,
    kernel: '/dev/null',
  },
  { mark: 'libkrun-guest', pauses: false },
)
