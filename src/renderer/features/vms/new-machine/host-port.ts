// SPDX-License-Identifier: Apache-2.0

/** A host port to propose for a guest port: the same, lifted out of the privileged range. */
export function hostPortFor(guestPort: number): number {
  if (guestPort === 443) return 8443
  return guestPort < 1024 ? 8000 + guestPort : guestPort
}
