// SPDX-License-Identifier: Apache-2.0
// Which keys this platform uses for shortcuts, and how it writes them.

/** True on macOS, where the command key takes the part of Ctrl. */
export const isMac = typeof navigator !== 'undefined' && /Mac/.test(navigator.platform)

/** A shortcut as the platform writes it: keyText('N') → "⌘ N" or "Ctrl N". */
export function keyText(key: string, mac: boolean = isMac): string {
  return mac ? `⌘ ${key}` : `Ctrl ${key}`
}

interface KeyLike {
  readonly ctrlKey: boolean
  readonly metaKey: boolean
}

/** The platform's main modifier is down, and not the other one. */
export function hasMainModifier(event: KeyLike, mac: boolean = isMac): boolean {
  return mac ? event.metaKey && !event.ctrlKey : event.ctrlKey && !event.metaKey
}
