// SPDX-License-Identifier: Apache-2.0
// npm test: sets up, then runs every suite. `npm test -- unit` runs one; further arguments go to vitest.
// The last line printed is "N passed, N failed" over all suites, with ", N skipped" when there are any.
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { runSetUp } from './setup/entry.mjs'
import { inProject } from './setup/paths.mjs'
import { chooseSuites, suites } from './test/suites.mjs'
import { tally, totalsLine } from './test/tally.mjs'

/** @typedef {import('./test/suites.mjs').SuiteName} SuiteName */
/** @typedef {import('./test/skip-reporter.mjs').Skip} Skip */

const artifacts = inProject('test/artifacts')
const { names, rest } = chooseSuites(process.argv.slice(2))

await runSetUp({ purposes: ['cli', 'app', 'headless', 'tests'], stream: process.stdout })
mkdirSync(artifacts, { recursive: true })
const outcomes = []
/** @type {Skip[]} */
const skips = []
for (const suite of names) {
  const reportFile = `${artifacts}/${suite}.json`
  const skipsFile = `${artifacts}/${suite}-skipped.json`
  for (const file of [reportFile, skipsFile]) rmSync(file, { force: true })
  console.log(`\n── ${suite} tests`)
  const exitCode = await runSuite(suite, reportFile, skipsFile)
  outcomes.push({ suite, report: readJson(reportFile), exitCode, mayBeEmpty: rest.length > 0 })
  skips.push(...(readJson(skipsFile) ?? []))
}

const total = tally(outcomes)
const SHOWN = 30
for (const { name, reason } of skips.slice(0, SHOWN)) console.log(`skipped: ${name}: ${reason}`)
if (skips.length > SHOWN) console.log(`skipped: ${skips.length - SHOWN} more`)
const here = `${inProject('.')}/`
for (const problem of total.problems) console.log(`failed: ${problem.replace(here, '')}`)
process.exitCode = total.failed === 0 ? 0 : 1
console.log(totalsLine(total))

/**
 * @param {SuiteName} suite
 * @param {string} reportFile
 * @param {string} skipsFile
 * @returns {Promise<number | null>} vitest's exit code, null if it had to be killed
 */
function runSuite(suite, reportFile, skipsFile) {
  const args = [
    inProject('node_modules/vitest/vitest.mjs'),
    ...['run', '--project', suite, '--passWithNoTests'],
    ...['--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`],
    ...[`--reporter=${inProject('scripts/test/skip-reporter.mjs')}`, ...rest],
  ]
  /** @type {NodeJS.ProcessEnv} */
  const env = { ...process.env, MICROVM_SKIPS_FILE: skipsFile }
  // Windows of tests open on a display of their own, not on the user's.
  delete env['DISPLAY']
  delete env['WAYLAND_DISPLAY']
  const child = spawn(process.execPath, args, { cwd: inProject('.'), env, stdio: 'inherit' })
  const limit = setTimeout(() => {
    console.log(`${suite}: ended after ${suites[suite].limitMs / 60_000} minutes`)
    child.kill('SIGKILL')
  }, suites[suite].limitMs)
  return new Promise((done) => {
    child.once('close', (code) => {
      clearTimeout(limit)
      done(code)
    })
  })
}

/** @param {string} file */
function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return undefined
  }
}
