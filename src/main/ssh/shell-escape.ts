// SPDX-License-Identifier: Apache-2.0
import { MicrovmError } from '../../contract/errors'

/**
 * A command line that any POSIX shell splits into exactly these words.
 * @throws INVALID_ARGUMENT for a word with a NUL byte, which no command line can carry
 */
export function shellEscape(words: readonly string[]): string {
  return words.map(escapeWord).join(' ')
}

function escapeWord(word: string): string {
  if (word.includes('\0')) {
    throw new MicrovmError('INVALID_ARGUMENT', 'an argument must not contain a NUL byte')
  }
  if (/^[\w@%+:,./-]+$/.test(word)) return word
  return `'${word.replaceAll("'", `'\\''`)}'`
}
