// SPDX-License-Identifier: Apache-2.0
import { PassThrough, Duplex } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { Qmp, type QmpEvent } from '../../../../native-runner/runner/qmp'

function setUp() {
  const toUs = new PassThrough()
  const fromUs = new PassThrough()
  const stream = Duplex.from({ readable: toUs, writable: fromUs })
  stream.on('error', () => undefined)
  const events: QmpEvent[] = []
  const qmp = new Qmp(stream, (event) => events.push(event))
  const sent = async (): Promise<{ execute: string; id: number }> => {
    for (;;) {
      const line = fromUs.read() as Buffer | null
      const [first] = String(line ?? '').split('\n')
      if (first) return JSON.parse(first) as { execute: string; id: number }
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  return { qmp, events, stream, sent, say: (value: unknown) => toUs.write(toLine(value)) }
}
const toLine = (value: unknown): string =>
  `${typeof value === 'string' ? value : JSON.stringify(value)}\r\n`

describe('QMP', () => {
  it('is ready when QEMU has taken the first command', async () => {
    const { qmp, sent, say } = setUp()
    say({ QMP: { version: {}, capabilities: [] } })
    const { execute, id } = await sent()
    expect(execute).toBe('qmp_capabilities')
    say({ return: {}, id })
    await expect(qmp.ready).resolves.toBeUndefined()
  })

  it('matches answers to commands, errors too, whatever comes between', async () => {
    const { qmp, sent, say, events } = setUp()
    say({ return: {}, id: (await sent()).id })
    const status = qmp.execute('query-status')
    const cont = qmp.execute('cont')
    const line = await sent()
    say({ error: { class: 'GenericError', desc: 'no' }, id: line.id + 1 })
    say('not json')
    say({ event: 'STOP', timestamp: {} })
    say({ return: { status: 'paused' }, id: line.id })
    await expect(status).resolves.toEqual({ status: 'paused' })
    await expect(cont).rejects.toMatchObject({ code: 'HYPERVISOR_FAILED', message: 'QEMU: no' })
    expect(events).toEqual([{ event: 'STOP', data: {} }])
  })

  it('fails what is unanswered when QEMU ends', async () => {
    const { qmp, stream } = setUp()
    const waiting = qmp.execute('query-status')
    stream.destroy()
    await expect(waiting).rejects.toMatchObject({ code: 'HYPERVISOR_FAILED' })
    await expect(qmp.ready).rejects.toMatchObject({ code: 'HYPERVISOR_FAILED' })
    await expect(qmp.execute('cont')).rejects.toMatchObject({ code: 'HYPERVISOR_FAILED' })
  })
})
