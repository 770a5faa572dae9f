// SPDX-License-Identifier: Apache-2.0
// Runs other programs for set-up. Output is captured and shown only when something fails.
import { spawn } from 'node:child_process'

/**
 * @typedef {object} CommandResult
 * @property {number | null} code exit code; null when ended by a signal or never started
 * @property {string} stdout
 * @property {string} stderr
 * @property {boolean} timedOut
 * @property {NodeJS.ErrnoException | undefined} error why it could not be started
 */

/**
 * @typedef {object} CommandOptions
 * @property {string} [cwd]
 * @property {NodeJS.ProcessEnv} [env]
 * @property {number} [timeoutMs] then it is killed; ten minutes if absent
 * @property {boolean} [tied] it is killed when this process dies, however that happens: what it writes is
 *   guarded by a lock of this process
 */

/**
 * Runs a program to its end; never throws for a failing one.
 * @param {string} program
 * @param {readonly string[]} args
 * @param {CommandOptions} [options]
 * @returns {Promise<CommandResult>}
 */
export function tryCommand(program, args, options = {}) {
  return new Promise((done) => {
    // Linux's; elsewhere a killed set-up may leave its command to end by itself.
    const isTied = options.tied && process.platform === 'linux'
    const tie = isTied ? ['setpriv', '--pdeathsig', 'KILL', '--'] : []
    const [file = program, ...words] = [...tie, program, ...args]
    const child = spawn(file, words, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const output = { stdout: '', stderr: '' }
    child.stdout.setEncoding('utf8').on('data', (text) => (output.stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text) => (output.stderr += text))
    let timedOut = false
    const timer = setTimeout(() => {
      timedOut = true
      child.kill('SIGKILL')
    }, options.timeoutMs ?? 600_000)
    child.once('error', (error) => finish(null, error))
    child.once('close', (code) => finish(code, undefined))
    /** @param {number | null} code @param {NodeJS.ErrnoException | undefined} error */
    function finish(code, error) {
      clearTimeout(timer)
      done({ ...output, code, error, timedOut })
    }
  })
}

/**
 * Runs a program to its end; an error with its last lines of output if it fails.
 * @param {string} program
 * @param {readonly string[]} args
 * @param {CommandOptions} [options]
 * @returns {Promise<string>} its standard output
 */
export async function command(program, args, options) {
  const result = await tryCommand(program, args, options)
  if (result.code === 0) return result.stdout
  throw new Error(`${program} ${args[0] ?? ''}: ${failureOf(result)}`)
}

/**
 * Why a command failed, in at most `lines` lines of its own words.
 * @param {CommandResult} result
 * @param {number} [lines]
 */
export function failureOf(result, lines = 12) {
  if (result.error?.code === 'ENOENT') return 'not installed'
  if (result.error) return result.error.message
  if (result.timedOut) return 'gave no end in time'
  const words = (result.stderr.trim() || result.stdout.trim()).replaceAll(colourCode, '')
  const told = words.split('\n').filter((line) => !stackFrame.test(line))
  const text = told.slice(-lines).join('\n').trim()
  return text || `ended with code ${result.code}`
}

/** The same for npm, which says first what is wrong, and then how to use npm. @param {CommandResult} result */
export function npmFailureOf(result) {
  const lines = failureOf(result, 1000).split('\n')
  const words = lines.filter((line) => !/^npm (error|warn)\s*$/.test(line))
  return words.slice(0, 6).join('\n')
}

const stackFrame = /^(npm error)?\s+at .*:\d+:\d+\)?$/
// eslint-disable-next-line no-control-regex
const colourCode = /\u001b\[[0-9;]*m/g
