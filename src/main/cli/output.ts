// SPDX-License-Identifier: Apache-2.0
// What a command says. Results go to stdout, everything else to stderr: progress, notes, errors.
// With --json stdout gets exactly one JSON document, and an error is one on stderr.
import type { MicrovmError } from '../../contract/errors'
import type { Progress } from '../../contract/images'
import { progressLine, progressLog } from './progress-text'

export interface Output {
  readonly json: boolean
  /** The command's result: `value` with --json, else `text` if there is any. */
  result(value: unknown, text: string): void
  /** A line for people, beside the result. */
  note(text: string): void
  progress(progress: Progress): void
  /** Takes the progress line away, so that something else can have the terminal. */
  clearProgress(): void
  error(error: MicrovmError): void
}

interface TextStream {
  write(text: string): unknown
  readonly isTTY?: boolean
  readonly columns?: number
}

export interface OutputOptions {
  readonly stdout: TextStream
  readonly stderr: TextStream
  readonly json: boolean
  /** No progress, no notes. */
  readonly quiet: boolean
}

const CLEAR_LINE = '\r\u001B[2K'

export function createOutput({ stdout, stderr, json, quiet }: OutputOptions): Output {
  const isTerminal = stderr.isTTY === true
  const logLines = progressLog()
  let shown = ''

  const clearProgress = (): void => {
    if (isTerminal && shown !== '') stderr.write(CLEAR_LINE)
    shown = ''
  }

  return {
    json,
    result: (value, text) => {
      clearProgress()
      if (json) stdout.write(`${JSON.stringify(value, null, 2)}\n`)
      else if (text !== '') stdout.write(text.endsWith('\n') ? text : `${text}\n`)
    },
    note: (text) => {
      if (quiet || json) return
      clearProgress()
      stderr.write(`${text}\n`)
    },
    progress: (progress) => {
      if (quiet) return
      if (!isTerminal) {
        for (const line of logLines(progress)) stderr.write(`${line}\n`)
        return
      }
      const line = progressLine(progress, stderr.columns ?? 80)
      if (line !== shown) stderr.write(`${CLEAR_LINE}${line}`)
      shown = line
    },
    clearProgress,
    error: (error) => {
      clearProgress()
      if (json) {
        stderr.write(`${JSON.stringify(error.toWire())}\n`)
        return
      }
      stderr.write(`microvm: ${error.message}\n`)
      if (error.hint !== undefined) stderr.write(`${error.hint}\n`)
    },
  }
}
