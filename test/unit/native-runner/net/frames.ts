// SPDX-License-Identifier: Apache-2.0
// Frames as they travel between VMM and network, for the tests beside this file.

/** Length prefix and frame. */
export function wire(frame: Buffer): Buffer {
  const prefix = Buffer.alloc(4)
  prefix.writeUInt32BE(frame.length)
  return Buffer.concat([prefix, frame])
}

/** An Ethernet frame that is not IPv4, with recognisable content. */
export const plainFrame = (length: number, fill: number): Buffer => {
  const frame = Buffer.alloc(length, fill)
  if (length >= 14) frame.writeUInt16BE(0x86dd, 12)
  return frame
}

export interface Ipv4Options {
  readonly destination: string
  readonly protocol?: number
  readonly destinationPort?: number
  readonly tcpFlags?: number
  /** Flags and fragment offset field. */
  readonly fragment?: number
  /** First byte: version and header length. */
  readonly versionAndLength?: number
  readonly payloadBytes?: number
}

const SYN = 0x02

export function ipv4Frame(options: Ipv4Options): Buffer {
  const { destination, protocol = 6, destinationPort = 80, tcpFlags = SYN } = options
  const { fragment = 0x4000, versionAndLength = 0x45, payloadBytes = 20 } = options
  const frame = Buffer.alloc(14 + 20 + payloadBytes)
  frame.writeUInt16BE(0x0800, 12)
  frame[14] = versionAndLength
  frame.writeUInt16BE(fragment, 14 + 6)
  frame[14 + 9] = protocol
  destination.split('.').forEach((part, index) => (frame[14 + 16 + index] = Number(part)))
  if (payloadBytes >= 4) frame.writeUInt16BE(destinationPort, 34 + 2)
  if (payloadBytes >= 14) frame[34 + 13] = tcpFlags
  return frame
}
