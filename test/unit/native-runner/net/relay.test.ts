// SPDX-License-Identifier: Apache-2.0
import { PassThrough, Duplex } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { MicrovmError } from '../../../../src/contract/errors'
import { Relay } from '../../../../native-runner/net/relay'
import { ipv4Frame, plainFrame, wire } from './frames'

/** One end of a cable: `ours` goes to the relay, the test reads and writes the far end. */
function cable(highWaterMark = 16 * 1024) {
  const inward = new PassThrough({ highWaterMark })
  const outward = new PassThrough({ highWaterMark })
  const received: Buffer[] = []
  let taking = true
  const take = (): void => {
    if (taking) for (let c = outward.read(); c; c = outward.read()) received.push(c as Buffer)
  }
  outward.on('readable', take)
  const ours = Duplex.from({ readable: inward, writable: outward })
  return {
    ours,
    send: (data: Buffer) => inward.write(data),
    received: () => Buffer.concat(received),
    stopTaking: () => (taking = false),
    takeAgain: () => {
      taking = true
      take()
    },
    backlog: () => inward.readableLength + inward.writableLength,
  }
}

async function settle(): Promise<void> {
  for (let i = 0; i < 20; i += 1) await turn()
}

function setUp() {
  const link = cable()
  const vmm = cable()
  const errors: MicrovmError[] = []
  const relay = new Relay(link.ours, (error) => errors.push(error))
  relay.attach(vmm.ours)
  return { link, vmm, relay, errors }
}

const frameA = wire(plainFrame(60, 1))
const frameB = wire(plainFrame(1514, 2))

describe('the relay', () => {
  it('passes both directions through untouched and counts them', async () => {
    const { link, vmm, relay } = setUp()
    vmm.send(Buffer.concat([frameA, frameB]))
    link.send(frameB)
    await settle()
    expect(link.received()).toEqual(Buffer.concat([frameA, frameB]))
    expect(vmm.received()).toEqual(frameB)
    expect(relay.counters).toEqual({
      rxFrames: 1,
      rxBytes: 1514,
      txFrames: 2,
      txBytes: 1574,
      refused: 0,
    })
  })

  it('keeps the guest from the host, and counts what it refused', async () => {
    const { link, vmm, relay } = setUp()
    vmm.send(Buffer.concat([frameA, wire(ipv4Frame({ destination: '192.168.127.254' })), frameB]))
    await settle()
    expect(link.received()).toEqual(Buffer.concat([frameA, frameB]))
    expect(relay.counters.refused).toBe(1)
  })

  it('closes the link of a guest that sends what is no frame, and says so', async () => {
    const { vmm, errors } = setUp()
    vmm.send(Buffer.from([0, 1, 0, 0, 1, 2, 3]))
    await settle()
    expect(vmm.ours.destroyed).toBe(true)
    expect(errors.map(({ code }) => code)).toEqual(['NETWORK_FAILED'])
  })

  it('completes a frame that its VMM left half sent, so that the next VMM can go on', async () => {
    const { link, vmm, relay } = setUp()
    vmm.send(frameB.subarray(0, 500))
    await settle()
    relay.detach()
    const next = cable()
    relay.attach(next.ours)
    next.send(frameA)
    await settle()
    const padded = Buffer.concat([frameB.subarray(0, 500), Buffer.alloc(frameB.length - 500)])
    expect(link.received()).toEqual(Buffer.concat([padded, frameA]))
  })

  it('begins a new VMM with a whole frame', async () => {
    const { link, relay } = setUp()
    link.send(frameB.subarray(0, 700))
    await settle()
    const next = cable()
    relay.attach(next.ours)
    link.send(Buffer.concat([frameB.subarray(700), frameA]))
    await settle()
    expect(next.received()).toEqual(frameA)
  })

  it('loses frames while no VMM is there, and goes on reading', async () => {
    const { link, vmm, relay } = setUp()
    vmm.stopTaking()
    for (let i = 0; i < 200; i += 1) link.send(frameB)
    await settle()
    expect(link.backlog()).toBeGreaterThan(0)
    relay.detach()
    await settle()
    expect(link.backlog()).toBe(0)
  })

  it.each(['towards the guest', 'from the guest'])('holds back a sender %s', async (direction) => {
    const { link, vmm } = setUp()
    const [from, to] = direction === 'from the guest' ? [vmm, link] : [link, vmm]
    to.stopTaking()
    const many = Buffer.concat(Array.from({ length: 400 }, () => frameB))
    for (let i = 0; i < 400; i += 1) from.send(frameB)
    await settle()
    expect(from.backlog()).toBeGreaterThan(many.length / 2)
    to.takeAgain()
    for (let i = 0; i < 100 && to.received().length < many.length; i += 1) await settle()
    expect(to.received().equals(many)).toBe(true)
  })
})
