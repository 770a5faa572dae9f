// SPDX-License-Identifier: Apache-2.0
// What may happen to a text between clipboard and shell. Pure.

/** The text without control characters but tab and line ends: pasted text must not be able to type keys. */
export function cleanPaste(text: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what this is about
  return text.replace(/\r\n?/g, '\n').replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, '')
}

export interface PasteCircumstances {
  /** The program in the terminal asked to be told what is pasted: it will not run it line by line. */
  readonly bracketed: boolean
  /** The user's preference. */
  readonly ask: boolean
}

/** True if pasting would run commands the user may not have read. */
export function mustAsk(text: string, { bracketed, ask }: PasteCircumstances): boolean {
  return ask && !bracketed && text.includes('\n')
}

export interface PastePreview {
  readonly lines: number
  /** The first lines, each cut to a width that fits. */
  readonly shown: readonly string[]
  /** Lines not shown. */
  readonly more: number
}

const PREVIEW_LINES = 8
const PREVIEW_WIDTH = 200

/** What the question shows of a text. A line end at the very end makes no further line. */
export function pastePreview(text: string): PastePreview {
  const lines = text.replace(/\n$/, '').split('\n')
  const shown = lines
    .slice(0, PREVIEW_LINES)
    .map((line) => (line.length > PREVIEW_WIDTH ? `${line.slice(0, PREVIEW_WIDTH)}…` : line))
  return { lines: lines.length, shown, more: lines.length - shown.length }
}
