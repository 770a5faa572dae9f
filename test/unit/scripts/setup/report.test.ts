// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { SetupProblem } from '../../../../scripts/setup/problem.mjs'
import { stepLine } from '../../../../scripts/setup/report.mjs'

describe('what set-up prints', () => {
  it('is one line for a step, with its time when that is worth telling', () => {
    expect(stepLine('kernel', 'cached', 12)).toBe('✓ kernel (cached)')
    expect(stepLine('build', 'built', 4240)).toBe('✓ build (built, 4.2 s)')
  })

  it('names part, cause and remedy of a problem', () => {
    const problem = new SetupProblem('kernel', 'no such file\nlibkrunfw.so.5', 'Do this.')
    expect(problem.toString().split('\n')).toEqual([
      '✗ kernel',
      '  why:    no such file',
      '          libkrunfw.so.5',
      '  remedy: Do this.',
    ])
  })

  it('finds a remedy for a full disk, and keeps a problem’s own', () => {
    const full = Object.assign(new Error('no space left'), { code: 'ENOSPC' })
    expect(SetupProblem.of('build', full).remedy).toMatch(/disk is full/)
    const known = new SetupProblem('kernel', 'cause', 'remedy')
    expect(SetupProblem.of('build', known)).toBe(known)
  })
})
