// SPDX-License-Identifier: Apache-2.0
// Keys a terminal keeps from the shell. Everything else belongs to the shell, Ctrl+K, Ctrl+N and
// Ctrl+F among it; that is why most of these need Shift where Ctrl is the main modifier. Pure.

export type TerminalCommand =
  'copy' | 'paste' | 'select-all' | 'search' | 'next-tab' | 'previous-tab' | 'leave-to-page'

export interface KeyStroke {
  readonly key: string
  readonly ctrlKey: boolean
  readonly metaKey: boolean
  readonly shiftKey: boolean
  readonly altKey: boolean
}

const editing: Partial<Record<string, TerminalCommand>> = {
  c: 'copy',
  v: 'paste',
  a: 'select-all',
  f: 'search',
}

/** What a key means to the terminal itself; undefined: it goes to the shell. */
export function terminalKey(stroke: KeyStroke, mac: boolean): TerminalCommand | undefined {
  const { key, ctrlKey, metaKey, shiftKey, altKey } = stroke
  if (altKey) return undefined
  if (ctrlKey && !metaKey && key === 'PageDown') return 'next-tab'
  if (ctrlKey && !metaKey && key === 'PageUp') return 'previous-tab'
  if (ctrlKey && key === '`') return 'leave-to-page'
  const chord = mac ? metaKey && !ctrlKey && !shiftKey : ctrlKey && shiftKey && !metaKey
  if (chord && editing[key.toLowerCase()] !== undefined) return editing[key.toLowerCase()]
  // On macOS every other shortcut with the command key is the window's.
  return mac && metaKey ? 'leave-to-page' : undefined
}
