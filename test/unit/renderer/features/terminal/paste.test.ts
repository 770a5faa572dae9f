// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import {
  cleanPaste,
  mustAsk,
  pastePreview,
} from '../../../../../src/renderer/features/terminal/paste'

describe('pasted text', () => {
  it('can type no keys: control characters are taken out', () => {
    expect(cleanPaste('a\x1b[201~\x03\x7fb\x9b1;2R')).toBe('a[201~b1;2R')
  })

  it('keeps tabs, line ends of any kind and every letter', () => {
    expect(cleanPaste('a\tb\r\nc\rd\ne ü 漢 🙂')).toBe('a\tb\nc\nd\ne ü 漢 🙂')
  })
})

describe('asking', () => {
  const ask = { bracketed: false, ask: true }
  it('is for text the shell would run at once', () => {
    expect(mustAsk('rm -rf /tmp/x\nls', ask)).toBe(true)
    expect(mustAsk('ls\n', ask)).toBe(true)
  })

  it('is not for one line, a program that expects pastes, or a user who does not want it', () => {
    expect(mustAsk('ls', ask)).toBe(false)
    expect(mustAsk('a\nb', { ...ask, bracketed: true })).toBe(false)
    expect(mustAsk('a\nb', { ...ask, ask: false })).toBe(false)
  })
})

describe('the preview', () => {
  it('counts lines as people do', () => {
    expect(pastePreview('a\nb\n').lines).toBe(2)
    expect(pastePreview('a\n\n').lines).toBe(2)
  })

  it('shows the beginning of long text and of long lines', () => {
    const preview = pastePreview(
      ['y'.repeat(500), ...Array.from({ length: 19 }, () => 'x')].join('\n'),
    )
    expect(preview).toMatchObject({ lines: 20, more: 12 })
    expect(preview.shown).toHaveLength(8)
    expect(preview.shown[0]).toBe(`${'y'.repeat(200)}…`)
  })
})
