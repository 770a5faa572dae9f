// SPDX-License-Identifier: Apache-2.0
// How the commands in scripts/ run set-up: problems are printed as people want to read them and end the process.
import { SetupProblem } from './problem.mjs'
import { createReport } from './report.mjs'
import { setUp } from './set-up.mjs'

const OLDEST_NODE = [20, 19]

/**
 * Sets up, or prints what is wrong on standard error and exits with code 1.
 * @param {object} options
 * @param {Parameters<typeof setUp>[0]['purposes']} options.purposes
 * @param {NodeJS.WriteStream} options.stream where progress goes
 */
export async function runSetUp({ purposes, stream }) {
  try {
    checkNode(process.versions.node)
    await setUp({ purposes, report: createReport(stream), env: process.env })
  } catch (error) {
    if (!(error instanceof SetupProblem) && process.env['DEBUG']) console.error(error)
    console.error(SetupProblem.of('set-up', error).toString())
    process.exit(1)
  }
}

/** @param {string} version */
function checkNode(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [oldestMajor = 0, oldestMinor = 0] = OLDEST_NODE
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return
  throw new SetupProblem(
    'Node.js',
    `this is ${version}; the app needs ${OLDEST_NODE.join('.')} or newer.`,
    'Install a newer Node.js, then run the same command again.',
  )
}
