// SPDX-License-Identifier: Apache-2.0
// Structured log: one JSON object a line. Callers never pass secrets; errors become code and message.
import { MicrovmError } from '../../contract/errors'

const levels = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof levels)[number]
export type LogFields = Readonly<Record<string, unknown>>
export type Logger = Record<LogLevel, (message: string, fields?: LogFields) => void>

export function createLogger(options: {
  /** Gets each line with its line feed. */
  write: (line: string) => void
  /** The least level written; 'info' unless given. */
  level?: LogLevel
  /** On every line. */
  fields?: LogFields
}): Logger {
  const least = levels.indexOf(options.level ?? 'info')
  const at = (level: LogLevel) =>
    levels.indexOf(level) < least
      ? () => undefined
      : (message: string, fields: LogFields = {}) => {
          const time = new Date().toISOString()
          const line = { time, level, message, ...options.fields, ...fields }
          options.write(`${JSON.stringify(line, plain)}\n`)
        }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

function plain(_key: string, value: unknown): unknown {
  if (value instanceof MicrovmError) return value.toWire()
  if (value instanceof Error) return { message: value.message, stack: value.stack }
  return typeof value === 'bigint' ? value.toString() : value
}

export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
}
