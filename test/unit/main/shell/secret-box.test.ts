// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { createSecretBox, type SafeStorage } from '../../../../src/main/shell/secret-box'

const storage = (available: boolean, backend: string): SafeStorage => ({
  isEncryptionAvailable: () => available,
  getSelectedStorageBackend: () => backend,
  encryptString: (text) => Buffer.from(Buffer.from(text).toReversed()),
  decryptString: (sealed) => Buffer.from(sealed.toReversed()).toString(),
})

describe('sealing with the system’s key', () => {
  it.each<[boolean, string, NodeJS.Platform, boolean]>([
    [true, 'gnome_libsecret', 'linux', true],
    [true, 'kwallet6', 'linux', true],
    // A key that is the same on every computer seals nothing.
    [true, 'basic_text', 'linux', false],
    [false, 'unknown', 'linux', false],
    [true, '', 'darwin', true],
    [false, '', 'darwin', false],
  ])('available %s, backend %j, %s: %s', (available, backend, platform, expected) => {
    expect(createSecretBox(storage(available, backend), platform).isAvailable()).toBe(expected)
  })

  it('gives back what it sealed', () => {
    const box = createSecretBox(storage(true, ''), 'darwin')
    expect(box.seal('secret').toString()).not.toContain('secret')
    expect(box.open(box.seal('secret'))).toBe('secret')
  })
})
