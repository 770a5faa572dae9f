// SPDX-License-Identifier: Apache-2.0

/**
 * A command line as words, by the quoting rules of a POSIX shell: spaces separate, '…' is literal,
 * "…" knows \" and \\, a backslash takes the next character as it is. Nothing is expanded.
 * `undefined`: a quote is not closed.
 */
export function splitWords(line: string): string[] | undefined {
  const words: string[] = []
  let word: string | undefined
  let quote = ''
  for (let index = 0; index < line.length; index += 1) {
    const char = line.charAt(index)
    const next = line.charAt(index + 1)
    if (quote === "'" || (quote === '"' && char !== '\\')) {
      if (char === quote) quote = ''
      else word = (word ?? '') + char
    } else if (char === '\\' && next !== '' && (quote === '' || next === '"' || next === '\\')) {
      word = (word ?? '') + next
      index += 1
    } else if (quote === '' && (char === "'" || char === '"')) {
      quote = char
      word ??= ''
    } else if (quote === '' && /\s/.test(char)) {
      if (word !== undefined) words.push(word)
      word = undefined
    } else {
      word = (word ?? '') + char
    }
  }
  if (quote !== '') return undefined
  if (word !== undefined) words.push(word)
  return words
}
