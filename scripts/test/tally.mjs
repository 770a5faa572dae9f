// SPDX-License-Identifier: Apache-2.0
// From vitest's reports to the totals. What did not run counts as failed: a file that does not load, a hook that
// throws, a test that a crash kept from running, a suite without tests.

/**
 * @typedef {object} JsonReport the part we read of what vitest's JSON reporter writes
 * @property {{
 *   name: string,
 *   status: 'passed' | 'failed',
 *   assertionResults: { fullName: string, status: 'passed' | 'failed' | 'skipped' | 'pending' | 'todo' }[],
 * }[]} testResults
 */
/**
 * @typedef {object} Outcome how one suite went
 * @property {string} suite
 * @property {JsonReport | undefined} report undefined if vitest wrote none
 * @property {number | null} exitCode of vitest; null if it was killed
 * @property {boolean} mayBeEmpty true if the user narrowed down what runs
 */
/**
 * @typedef {object} Tally
 * @property {number} passed
 * @property {number} failed
 * @property {number} skipped
 * @property {string[]} problems failures that are no single test's
 */

/** @param {readonly Outcome[]} outcomes @returns {Tally} */
export function tally(outcomes) {
  const total = { passed: 0, failed: 0, skipped: 0, problems: /** @type {string[]} */ ([]) }
  for (const outcome of outcomes) {
    const one = tallySuite(outcome)
    total.passed += one.passed
    total.failed += one.failed
    total.skipped += one.skipped
    total.problems.push(...one.problems)
  }
  if (total.passed + total.failed + total.skipped === 0) fail(total, 'no test matches')
  return total
}

/** @param {Outcome} outcome @returns {Tally} */
function tallySuite({ suite, report, exitCode, mayBeEmpty }) {
  /** @type {Tally} */
  const total = { passed: 0, failed: 0, skipped: 0, problems: [] }
  for (const file of report?.testResults ?? []) {
    const states = file.assertionResults.map((test) => test.status)
    const count = (/** @type {string} */ wanted) => states.filter((one) => one === wanted).length
    total.passed += count('passed')
    total.skipped += count('skipped') + count('todo')
    total.failed += count('failed') + count('pending')
    if (count('pending') > 0) {
      total.problems.push(`${suite}: ${count('pending')} tests did not run in ${file.name}`)
    }
    if (file.status === 'failed' && count('failed') + count('pending') === 0) {
      fail(total, `${suite}: ${file.name} did not load, or one of its hooks failed`)
    }
  }
  const ran = total.passed + total.failed + total.skipped
  if (exitCode === null) fail(total, `${suite}: did not come to an end`)
  else if (ran > 0 && exitCode !== 0 && total.failed === 0) {
    fail(total, `${suite}: an error outside of any test`)
  } else if (ran === 0 && exitCode !== 0) {
    fail(total, `${suite}: vitest ended with code ${exitCode} before any test`)
  } else if (ran === 0 && !mayBeEmpty) fail(total, `${suite}: no tests`)
  return total
}

/** @param {Tally} total @param {string} problem */
function fail(total, problem) {
  total.failed += 1
  total.problems.push(problem)
}

/** The very last line. @param {Tally} total */
export function totalsLine({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
}
