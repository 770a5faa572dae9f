// SPDX-License-Identifier: Apache-2.0
// Colours of terminals for both themes; the same hues as the window's own tokens.
import type { ITheme } from '@xterm/xterm'

export const terminalThemes: Record<'light' | 'dark', ITheme> = {
  dark: {
    background: '#111316',
    foreground: '#e3e6ea',
    cursor: '#e3e6ea',
    cursorAccent: '#111316',
    selectionBackground: '#2f5596',
    selectionInactiveBackground: '#2b3a55',
    black: '#23272d',
    red: '#f2777a',
    green: '#4cc38a',
    yellow: '#e5b454',
    blue: '#6ea8fe',
    magenta: '#c792ea',
    cyan: '#56c8d8',
    white: '#c9ced6',
    brightBlack: '#7d858f',
    brightRed: '#ff9b9d',
    brightGreen: '#7ddba9',
    brightYellow: '#f3cd7d',
    brightBlue: '#9cc4ff',
    brightMagenta: '#dcb4f5',
    brightCyan: '#8be0ea',
    brightWhite: '#ffffff',
  },
  light: {
    background: '#fdfdfc',
    foreground: '#1b1e22',
    cursor: '#1b1e22',
    cursorAccent: '#fdfdfc',
    selectionBackground: '#b9d2fb',
    selectionInactiveBackground: '#dbe4f2',
    black: '#1b1e22',
    red: '#b42318',
    green: '#12723f',
    yellow: '#8a5a00',
    blue: '#1d5bd1',
    magenta: '#8431ab',
    cyan: '#0b6b7a',
    white: '#5c636c',
    brightBlack: '#6a717a',
    brightRed: '#cf3327',
    brightGreen: '#178048',
    brightYellow: '#966400',
    brightBlue: '#2a6be6',
    brightMagenta: '#9a44c2',
    brightCyan: '#0f7c8c',
    brightWhite: '#30353b',
  },
}

/** Colours of search hits. */
export const searchDecorations = {
  matchBackground: '#8a6d1f',
  matchOverviewRuler: '#d9a520',
  activeMatchBackground: '#d9a520',
  activeMatchColorOverviewRuler: '#ff9500',
} as const

export const terminalFont =
  'ui-monospace, "SF Mono", Menlo, "Cascadia Mono", Consolas, "JetBrains Mono", "DejaVu Sans Mono", monospace'
