// SPDX-License-Identifier: Apache-2.0

/** Bytes drawn before main hears of it; an eighth of the window, so that output never stalls. */
export const ACK_BYTES = 64 * 1024

/** Counts drawn bytes and hands them on in steps of at least ACK_BYTES. */
export function createAckCounter(acknowledge: (bytes: number) => void): (bytes: number) => void {
  let drawn = 0
  return (bytes) => {
    drawn += bytes
    if (drawn < ACK_BYTES) return
    acknowledge(drawn)
    drawn = 0
  }
}
