// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import {
  terminalKey,
  type KeyStroke,
} from '../../../../../src/renderer/features/terminal/terminal-keys'

const stroke = (key: string, held: Partial<KeyStroke> = {}): KeyStroke => ({
  key,
  ctrlKey: false,
  metaKey: false,
  shiftKey: false,
  altKey: false,
  ...held,
})
const ctrl = { ctrlKey: true }
const ctrlShift = { ctrlKey: true, shiftKey: true }
const command = { metaKey: true }

describe('keys a terminal keeps', () => {
  it('leaves the shell its own control keys', () => {
    for (const key of ['c', 'v', 'f', 'k', 'n', 'a'])
      expect(terminalKey(stroke(key, ctrl), false)).toBeUndefined()
    for (const key of ['c', 'k']) expect(terminalKey(stroke(key, ctrl), true)).toBeUndefined()
  })

  it('copies, pastes, selects and searches with Ctrl+Shift', () => {
    expect(terminalKey(stroke('C', ctrlShift), false)).toBe('copy')
    expect(terminalKey(stroke('V', ctrlShift), false)).toBe('paste')
    expect(terminalKey(stroke('A', ctrlShift), false)).toBe('select-all')
    expect(terminalKey(stroke('F', ctrlShift), false)).toBe('search')
  })

  it('uses the command key on macOS and leaves the window its other shortcuts', () => {
    expect(terminalKey(stroke('c', command), true)).toBe('copy')
    expect(terminalKey(stroke('k', command), true)).toBe('leave-to-page')
    expect(terminalKey(stroke('C', ctrlShift), true)).toBeUndefined()
  })

  it('walks through the tabs and lets the panel be folded', () => {
    expect(terminalKey(stroke('PageDown', ctrl), false)).toBe('next-tab')
    expect(terminalKey(stroke('PageUp', ctrl), true)).toBe('previous-tab')
    expect(terminalKey(stroke('PageUp'), false)).toBeUndefined()
    expect(terminalKey(stroke('`', ctrl), false)).toBe('leave-to-page')
  })

  it('gives the shell everything with Alt', () => {
    expect(terminalKey(stroke('c', { ...ctrlShift, altKey: true }), false)).toBeUndefined()
  })
})
