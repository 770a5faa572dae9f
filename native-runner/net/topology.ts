// SPDX-License-Identifier: Apache-2.0
// The one network every machine has (DESIGN 6). Each machine has its own gvproxy, so the same
// addresses serve them all.

export const topology = {
  gateway: '192.168.127.1',
  guest: '192.168.127.2',
  prefix: 24,
  mtu: 1500,
  /** gvproxy maps it to the host's 127.0.0.1. */
  hostLoopback: '192.168.127.254',
  /** The MAC gvproxy's DHCP ties to the guest's address. */
  guestMac: '5a:94:ef:e4:0c:ee',
} as const

export const GUEST_SSH_PORT = 22

/** Bytes of one Ethernet frame on the wire between VMM and gvproxy; a longer one closes the link. */
export const MAX_FRAME_BYTES = 65_535
