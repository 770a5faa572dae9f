// SPDX-License-Identifier: Apache-2.0

// ECMA-48: CSI sequences, OSC strings, and two-character escapes.
// eslint-disable-next-line no-control-regex -- control characters are what this is about
const escapes = /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-_])/g

/** True if a terminal would show anything of a text: not only escapes and blanks. */
export function isVisible(text: string): boolean {
  // eslint-disable-next-line no-control-regex -- as above
  return /[^\s\x00-\x1f\x7f]/.test(text.replace(escapes, ''))
}
