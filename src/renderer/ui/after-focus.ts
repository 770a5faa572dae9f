// SPDX-License-Identifier: Apache-2.0

/**
 * Runs `open` once a menu or window that closes now has given the focus back, one turn of the event loop later:
 * what opens then takes the focus from there, keeps it, and gives it back in its turn.
 */
export function afterFocusReturned(open: () => void): void {
  setTimeout(() => setTimeout(open))
}
