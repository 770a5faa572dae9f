// SPDX-License-Identifier: Apache-2.0
// Keeps the guest away from what gvproxy would let it reach on the host:
// - 192.168.127.254, which gvproxy maps to the host's 127.0.0.1 (DESIGN 6), and the loopback and
//   "this host" networks as such, which a dial on the host would take for the host itself;
// - gvproxy's own HTTP API on the gateway's port 80, with which a guest could open ports on all of
//   the host's addresses. The only connection it may open to the gateway is DNS; it goes on
//   answering those that gvproxy opens from there (port forwards, tunnels).
// gvproxy knows ARP and IPv4 only, without VLAN tags, so IPv4's destination is all there is to look at.
import type { FrameRule } from './frame-walker'
import { topology } from './topology'

const ETHERNET_BYTES = 14
const ETHERTYPE_IPV4 = 0x0800
const IPV4_BYTES = 20
const VERSION_4_NO_OPTIONS = 0x45
const PROTOCOL_TCP = 6
/** More-fragments flag and fragment offset; the don't-fragment flag aside (RFC 791). */
const FRAGMENT_MASK = 0x3fff
const TCP_FLAGS_OFFSET = 13
const SYN = 0x02
const ACK = 0x10
const DNS_PORT = 53

const toNumber = (address: string): number =>
  address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
const gateway = toNumber(topology.gateway)
const hostLoopback = toNumber(topology.hostLoopback)

export const hostGuard: FrameRule = {
  /** Up to the flags of a TCP segment. */
  headBytes: ETHERNET_BYTES + IPV4_BYTES + TCP_FLAGS_OFFSET + 1,
  passes(head) {
    if (head.length < ETHERNET_BYTES || head.readUInt16BE(12) !== ETHERTYPE_IPV4) return true
    if (head.length < ETHERNET_BYTES + IPV4_BYTES) return false
    const ip = head.subarray(ETHERNET_BYTES)
    const destination = ip.readUInt32BE(16)
    const network = destination >>> 24
    if (network === 0 || network === 127 || destination === hostLoopback) return false
    return destination !== gateway || ip[9] !== PROTOCOL_TCP || !mayOpenConnection(ip)
  },
}

/** Whether a TCP packet could open a connection to anything but DNS. */
function mayOpenConnection(ip: Buffer): boolean {
  // Where the segment's header cannot be read off (options, fragments, cut off) it could be any.
  if (ip[0] !== VERSION_4_NO_OPTIONS || (ip.readUInt16BE(6) & FRAGMENT_MASK) !== 0) return true
  const flags = ip[IPV4_BYTES + TCP_FLAGS_OFFSET]
  if (flags === undefined) return true
  return (flags & (SYN | ACK)) === SYN && ip.readUInt16BE(IPV4_BYTES + 2) !== DNS_PORT
}
