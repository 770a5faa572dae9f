// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { hostGuard } from '../../../../native-runner/net/host-guard'
import { ipv4Frame, plainFrame, type Ipv4Options } from './frames'

const UDP = 17
const SYN = 0x02
const ACK = 0x10
const passes = (options: Ipv4Options): boolean =>
  hostGuard.passes(ipv4Frame(options).subarray(0, hostGuard.headBytes))
const gateway = '192.168.127.1'

describe('the host guard', () => {
  it.each(['192.168.127.254', '127.0.0.1', '127.8.9.10', '0.0.0.0', '0.1.2.3'])(
    'refuses %s, which is the host',
    (destination) => {
      for (const protocol of [1, 6, 17]) expect(passes({ destination, protocol })).toBe(false)
    },
  )

  it('refuses them in fragments and with options, too', () => {
    const destination = '192.168.127.254'
    expect(passes({ destination, fragment: 0x0010 })).toBe(false)
    expect(passes({ destination, versionAndLength: 0x4f })).toBe(false)
    expect(passes({ destination, payloadBytes: 0 })).toBe(false)
  })

  it.each(['1.1.1.1', '10.0.0.1', '192.168.127.3', '255.255.255.255', '128.0.0.1'])(
    'lets %s pass',
    (destination) => {
      expect(passes({ destination })).toBe(true)
      expect(passes({ destination, protocol: UDP })).toBe(true)
    },
  )

  it('lets the guest ask the gateway for DNS and addresses', () => {
    expect(passes({ destination: gateway, protocol: UDP, destinationPort: 53 })).toBe(true)
    expect(passes({ destination: gateway, protocol: UDP, destinationPort: 67 })).toBe(true)
    expect(passes({ destination: gateway, destinationPort: 53 })).toBe(true)
    expect(passes({ destination: gateway, protocol: 1 })).toBe(true)
  })

  it.each([80, 22, 8080, 54])('refuses a connection to the gateway’s port %i', (port) => {
    expect(passes({ destination: gateway, destinationPort: port, tcpFlags: SYN })).toBe(false)
    expect(passes({ destination: gateway, destinationPort: port, tcpFlags: SYN | 0x01 })).toBe(
      false,
    )
  })

  it('lets the guest answer connections that come from the gateway', () => {
    for (const tcpFlags of [SYN | ACK, ACK, ACK | 0x01, 0x04])
      expect(passes({ destination: gateway, destinationPort: 40_000, tcpFlags })).toBe(true)
  })

  it('refuses TCP to the gateway that does not show what it is', () => {
    const answer = { destination: gateway, tcpFlags: ACK }
    expect(passes({ ...answer, versionAndLength: 0x46 })).toBe(false)
    expect(passes({ ...answer, fragment: 0x2000 })).toBe(false)
    expect(passes({ ...answer, fragment: 0x0001 })).toBe(false)
    expect(passes({ ...answer, payloadBytes: 13 })).toBe(false)
  })

  it('does not look into what is not IPv4, and refuses IPv4 too short to be any', () => {
    expect(hostGuard.passes(plainFrame(14, 0).subarray(0, 14))).toBe(true)
    expect(hostGuard.passes(Buffer.alloc(3))).toBe(true)
    expect(hostGuard.passes(ipv4Frame({ destination: '1.1.1.1' }).subarray(0, 33))).toBe(false)
  })
})
