// SPDX-License-Identifier: Apache-2.0
// How the processes of a machine read the runner.json they are given.
import { readFileSync } from 'node:fs'
import { MicrovmError } from '../../src/contract/errors'
import { runnerConfigSchema, type RunnerConfig } from '../../src/contract/runner-config'

/**
 * @param usage what to say if there is no path
 * @throws INVALID_ARGUMENT naming the fields that are wrong; what reading or parsing throws
 */
export function readRunnerConfig(path: string | undefined, usage: string): RunnerConfig {
  if (path === undefined) throw new MicrovmError('INVALID_ARGUMENT', usage)
  const parsed = runnerConfigSchema.safeParse(JSON.parse(readFileSync(path, 'utf8')))
  if (parsed.success) return parsed.data
  const where = parsed.error.issues.map(({ path: at, message }) => `${at.join('.')}: ${message}`)
  throw new MicrovmError('INVALID_ARGUMENT', `${path}: ${where.join('; ')}`)
}
