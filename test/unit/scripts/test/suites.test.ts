// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { chooseSuites } from '../../../../scripts/test/suites.mjs'

describe('the arguments of npm test', () => {
  it('mean every suite when they name none', () => {
    expect(chooseSuites([])).toEqual({ names: ['unit', 'integration', 'e2e'], rest: [] })
    expect(chooseSuites(['-t', 'unit'])).toEqual({
      names: ['unit', 'integration', 'e2e'],
      rest: ['-t', 'unit'],
    })
  })

  it('name suites first; the rest is for vitest', () => {
    expect(chooseSuites(['e2e', 'unit', 'window', 'unit'])).toEqual({
      names: ['unit', 'e2e'],
      rest: ['window', 'unit'],
    })
  })
})
