// SPDX-License-Identifier: Apache-2.0
// Any thrown value as what a person can read: what failed, why, what to do. Pure.
import { MicrovmError, type WireError } from '../../contract/errors'

export interface ErrorText {
  readonly message: string
  readonly hint?: string
}

/** Never "[object Object]", never a stack. */
export function errorText(error: unknown): ErrorText {
  if (isWire(error)) return withHint(sentence(error.message), error.hint)
  const known = MicrovmError.from(error)
  if (known.message === '[object Object]')
    return withHint('Something failed without saying why.', undefined)
  return withHint(sentence(known.message), known.hint)
}

function isWire(error: unknown): error is WireError {
  return (
    typeof error === 'object' &&
    error !== null &&
    !(error instanceof Error) &&
    typeof (error as WireError).message === 'string'
  )
}

function withHint(message: string, hint: string | undefined): ErrorText {
  return hint === undefined ? { message } : { message, hint }
}

function sentence(text: string): string {
  const trimmed = text.trim()
  if (trimmed === '') return 'Something failed without saying why.'
  // A message often begins with a name ("web: no space left"); only a plain word is capitalised.
  const start = /^[a-z]+(?=[ ,]|[.]?$)/.test(trimmed)
    ? trimmed[0]?.toUpperCase() + trimmed.slice(1)
    : trimmed
  return start
}
