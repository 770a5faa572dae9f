// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { tally, totalsLine, type Outcome } from '../../../../scripts/test/tally.mjs'

type Status = 'passed' | 'failed' | 'skipped' | 'pending' | 'todo'

function file(fileStatus: 'passed' | 'failed', ...statuses: Status[]) {
  const assertionResults = statuses.map((status) => ({ fullName: 'a test', status }))
  return { name: 'some.test.ts', status: fileStatus, assertionResults }
}
function outcome(files: ReturnType<typeof file>[], change: Partial<Outcome> = {}): Outcome {
  const failed = files.some((one) => one.status === 'failed')
  const report = { testResults: files }
  return { suite: 'unit', report, exitCode: failed ? 1 : 0, mayBeEmpty: false, ...change }
}

describe('the totals', () => {
  it('sum up all suites', () => {
    const total = tally([
      outcome([file('passed', 'passed', 'passed'), file('failed', 'failed', 'passed')]),
      outcome([file('passed', 'passed', 'skipped', 'todo')]),
    ])
    expect(total).toMatchObject({ passed: 4, failed: 1, skipped: 2, problems: [] })
  })

  it('count a file that does not load as one failure', () => {
    const total = tally([outcome([file('failed'), file('passed', 'passed')])])
    expect(total).toMatchObject({ passed: 1, failed: 1 })
    expect(total.problems).toEqual([expect.stringContaining('some.test.ts')])
  })

  it('count a failing hook as one failure although all tests passed', () => {
    expect(tally([outcome([file('failed', 'passed', 'passed')])])).toMatchObject({
      passed: 2,
      failed: 1,
    })
  })

  it('count tests that a crash kept from running as failed', () => {
    expect(tally([outcome([file('passed', 'passed', 'pending', 'pending')])])).toMatchObject({
      passed: 1,
      failed: 2,
    })
  })

  it.each([
    ['vitest was killed', { exitCode: null, report: undefined }],
    ['vitest ended without a report', { exitCode: 1, report: undefined }],
    ['an error happened outside of any test', { exitCode: 1 }],
  ])('count a failure when %s', (_, change) => {
    expect(tally([outcome([file('passed', 'passed')], change)]).failed).toBe(1)
  })

  it('count a suite without tests as failed, unless the user narrowed down what runs', () => {
    const empty = outcome([])
    const full = outcome([file('passed', 'passed')])
    expect(tally([empty, full]).failed).toBe(1)
    expect(tally([{ ...empty, mayBeEmpty: true }, full]).failed).toBe(0)
    expect(tally([{ ...empty, mayBeEmpty: true }]).failed).toBe(1)
  })

  it('read as one line', () => {
    const counts = { passed: 3, failed: 0, skipped: 0, problems: [] }
    expect(totalsLine(counts)).toBe('3 passed, 0 failed')
    expect(totalsLine({ ...counts, skipped: 2 })).toBe('3 passed, 0 failed, 2 skipped')
  })
})
