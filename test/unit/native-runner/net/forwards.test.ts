// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { MicrovmError } from '../../../../src/contract/errors'
import { Forwards } from '../../../../native-runner/net/forwards'

/** A forwarder that keeps books; `taken` are ports some other process holds. */
function setUp(taken: number[] = []) {
  const open = new Map<number, number>()
  const log: string[] = []
  let nextFree = 50_000
  const forwards = new Forwards(
    {
      expose: async (host, guest) => {
        if (taken.includes(host) || open.has(host))
          throw new MicrovmError('PORT_IN_USE', `host port ${host} is in use`)
        open.set(host, guest)
        log.push(`+${host}`)
      },
      unexpose: async (host) => {
        if (!open.delete(host)) throw new MicrovmError('NETWORK_FAILED', 'not open')
        log.push(`-${host}`)
      },
    },
    async () => nextFree++,
  )
  return { forwards, open, log }
}

describe('port forwards', () => {
  it('opens what is asked for and tells the real ports', async () => {
    const { forwards, open } = setUp()
    const real = await forwards.set([
      { host: 8080, guest: 80 },
      { host: 0, guest: 443 },
    ])
    expect(real).toEqual([
      { host: 8080, guest: 80 },
      { host: 50_000, guest: 443 },
    ])
    expect([...open]).toEqual([
      [8080, 80],
      [50_000, 443],
    ])
  })

  it('leaves unchanged forwards alone', async () => {
    const { forwards, log } = setUp()
    await forwards.set([
      { host: 8080, guest: 80 },
      { host: 0, guest: 443 },
    ])
    await forwards.set([
      { host: 0, guest: 443 },
      { host: 8080, guest: 80 },
      { host: 9090, guest: 90 },
    ])
    expect(log).toEqual(['+8080', '+50000', '+9090'])
    expect(forwards.current.map(({ host }) => host)).toEqual([50_000, 8080, 9090])
  })

  it('can lead a host port to another guest port', async () => {
    const { forwards, open } = setUp()
    await forwards.set([{ host: 8080, guest: 80 }])
    await forwards.set([{ host: 8080, guest: 81 }])
    expect([...open]).toEqual([[8080, 81]])
  })

  it('puts the old set back when one of the new ports is taken', async () => {
    const { forwards, open } = setUp([9999])
    await forwards.set([{ host: 8080, guest: 80 }])
    const change = forwards.set([
      { host: 7070, guest: 70 },
      { host: 9999, guest: 99 },
    ])
    await expect(change).rejects.toMatchObject({ code: 'PORT_IN_USE' })
    expect([...open]).toEqual([[8080, 80]])
    expect(forwards.current).toEqual([{ host: 8080, guest: 80 }])
  })

  it('tries another free port when the first was snatched away', async () => {
    const { forwards } = setUp([50_000, 50_001])
    expect(await forwards.set([{ host: 0, guest: 80 }])).toEqual([{ host: 50_002, guest: 80 }])
  })

  it('refuses the same host port twice, before it touches anything', async () => {
    const { forwards, log } = setUp()
    const change = forwards.set([
      { host: 80, guest: 1 },
      { host: 80, guest: 2 },
    ])
    await expect(change).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    expect(log).toEqual([])
  })

  it('makes changes one after the other', async () => {
    const { forwards, open } = setUp()
    await Promise.all([
      forwards.set([{ host: 1, guest: 1 }]),
      forwards.set([{ host: 2, guest: 2 }]),
      forwards.set([{ host: 1, guest: 3 }]),
    ])
    expect([...open]).toEqual([[1, 3]])
  })
})
