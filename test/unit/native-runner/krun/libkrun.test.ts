// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { explainCallError, libraryCandidates } from '../../../../native-runner/krun/libkrun'

describe('where libkrun is looked for', () => {
  it('is the folder given, then the system’s, by the platform’s names', () => {
    expect(libraryCandidates('/lib/krun', 'linux')).toEqual([
      '/lib/krun/libkrun.so.1',
      '/lib/krun/libkrun.so',
      'libkrun.so.1',
      'libkrun.so',
    ])
    expect(libraryCandidates('/lib/krun', 'darwin')).toEqual([
      '/lib/krun/libkrun.1.dylib',
      '/lib/krun/libkrun.dylib',
      'libkrun.1.dylib',
      'libkrun.dylib',
    ])
    expect(libraryCandidates(undefined, 'linux')).toEqual(['libkrun.so.1', 'libkrun.so'])
  })
})

describe('the error of a call', () => {
  it('is told with a hint, and any other error is left as it is', () => {
    const failed = Object.assign(new Error('krun_x: EINVAL, Invalid argument'), {
      call: 'krun_x',
      code: 'EINVAL',
    })
    expect(explainCallError(failed)).toMatchObject({
      code: 'HYPERVISOR_FAILED',
      message: 'libkrun failed: krun_x: EINVAL, Invalid argument',
      hint: expect.stringContaining('runner.log') as string,
    })
    const missing = Object.assign(new Error('this libkrun has no krun_x'), { call: 'krun_x' })
    expect(explainCallError(missing)).toMatchObject({
      hint: expect.stringContaining('newer') as string,
    })
    const other = new TypeError('a bug')
    expect(explainCallError(other)).toBe(other)
  })
})
