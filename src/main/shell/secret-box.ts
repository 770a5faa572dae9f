// SPDX-License-Identifier: Apache-2.0
// Seals texts with a key that the system keeps: the keychain on macOS, a key ring on Linux.

/** The parts of Electron's safeStorage that are used. */
export interface SafeStorage {
  isEncryptionAvailable(): boolean
  getSelectedStorageBackend?(): string
  encryptString(text: string): Buffer
  decryptString(sealed: Buffer): string
}

/** What Electron calls a key that is the same everywhere, because there is no key ring. */
const NO_KEY_RING = 'basic_text'

/** @param platform as `process.platform`: the backend is known on Linux only */
export function createSecretBox(safeStorage: SafeStorage, platform: NodeJS.Platform) {
  return {
    isAvailable: (): boolean =>
      safeStorage.isEncryptionAvailable() &&
      (platform !== 'linux' || safeStorage.getSelectedStorageBackend?.() !== NO_KEY_RING),
    seal: (text: string): Buffer => safeStorage.encryptString(text),
    open: (sealed: Buffer): string => safeStorage.decryptString(sealed),
  }
}
