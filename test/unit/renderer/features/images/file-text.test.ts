// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import {
  changesText,
  layerText,
  modeText,
  ownerText,
  visibleName,
  visibleText,
} from '../../../../../src/renderer/features/images/file-text'

describe('a name or text from an image', () => {
  it('shows characters that would move or hide others', () => {
    expect(visibleName('a\nb\x1b[31m\x7f')).toBe('a␊b␛[31m␡')
    expect(visibleName('exe\u202egpj')).toBe('exe\ufffdgpj')
    expect(visibleName('ä漢 ok')).toBe('ä漢 ok')
  })

  it('keeps the lines and tabs of a text', () => {
    expect(visibleText('a\tb\r\nc\0\n')).toBe('a\tb\nc␀\n')
  })
})

describe('mode and owner', () => {
  it('read as ls writes them', () => {
    expect(modeText({ type: 'directory', mode: 0o755 })).toBe('drwxr-xr-x')
    expect(modeText({ type: 'file', mode: 0o4755 })).toBe('-rwsr-xr-x')
    expect(modeText({ type: 'file', mode: 0o2644 })).toBe('-rw-r-Sr--')
    expect(modeText({ type: 'directory', mode: 0o1777 })).toBe('drwxrwxrwt')
    expect(modeText({ type: 'symlink', mode: 0o777 })).toBe('lrwxrwxrwx')
    expect(ownerText({ uid: 0, gid: 0 })).toBe('root')
    expect(ownerText({ uid: 33, gid: 0 })).toBe('33:0')
  })
})

describe('what a layer did, in words', () => {
  const none = { added: 0, changed: 0, removed: 0, fileBytes: 0, wastedBytes: 0, hiddenBytes: 0 }

  it('names only what there is', () => {
    expect(changesText({ added: 5120, changed: 0, removed: 4 })).toBe('+ 5,120  − 4')
    expect(layerText({ ...none, removed: 9, hiddenBytes: 41e6 })).toBe('− 9 · hides 41 MB')
    expect(layerText({ ...none, added: 1, changed: 2, wastedBytes: 3e6 })).toBe(
      '+ 1  ~ 2 · 3.0 MB hidden later',
    )
    expect(layerText(none)).toBe('no change')
  })
})
