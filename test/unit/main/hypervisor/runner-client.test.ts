// SPDX-License-Identifier: Apache-2.0
// Client and server of the runner's control socket, against each other.
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  refuseSecondRunner,
  RpcServer,
  type RunnerHandlers,
} from '../../../../native-runner/runner/rpc-server'
import { MicrovmError } from '../../../../src/contract/errors'
import type { VmState } from '../../../../src/contract/vm-state'
import { connectRunner } from '../../../../src/main/hypervisor/runner-client'

let dir: string
let path: string
let server: RpcServer | undefined
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'microvm-rpc-'))
  path = join(dir, 'runner.sock')
})
afterEach(async () => {
  await server?.close()
  server = undefined
  await rm(dir, { recursive: true })
})

const state: VmState = { version: 1, status: 'running', ports: [], timeline: [] }
const stats = {
  at: 1,
  cpuPercent: 2,
  memoryUsedMib: 3,
  memoryTotalMib: 4,
  rxBytes: 5,
  txBytes: 6,
}

async function listen(handlers: Partial<RunnerHandlers> = {}): Promise<RpcServer> {
  const unexpected = (): Promise<never> => Promise.reject(new Error('unexpected'))
  server = await RpcServer.listen(path, {
    status: async () => state,
    stop: unexpected,
    setPorts: unexpected,
    sshEndpoint: unexpected,
    resume: unexpected,
    ...handlers,
  })
  return server
}

describe('the control socket', () => {
  it('is for its owner only', async () => {
    await listen()
    expect((await stat(path)).mode & 0o777).toBe(0o600)
  })

  it('answers any number of clients, and sends every event to each', async () => {
    const rpc = await listen()
    const clients = await Promise.all([1, 2, 3].map(() => connectRunner(path)))
    const answers = await Promise.all(clients.map((client) => client.request('status', {})))
    expect(answers).toEqual([state, state, state])
    const seen = clients.map((client) =>
      Promise.all([
        new Promise((resolve) => client.onState(resolve)),
        new Promise((resolve) => client.onStats(resolve)),
      ]),
    )
    rpc.broadcast('state', { ...state, status: 'stopping' })
    rpc.broadcast('stats', stats)
    for (const [first, second] of await Promise.all(seen)) {
      expect(first).toMatchObject({ status: 'stopping' })
      expect(second).toEqual(stats)
    }
    for (const client of clients) client.close()
  })

  it('carries code and hint of an error', async () => {
    await listen({
      setPorts: () =>
        Promise.reject(new MicrovmError('PORT_IN_USE', 'port 80', { hint: 'another' })),
    })
    const client = await connectRunner(path)
    await expect(client.request('setPorts', { ports: [] })).rejects.toMatchObject({
      code: 'PORT_IN_USE',
      message: 'port 80',
      hint: 'another',
    })
    client.close()
  })

  it('refuses parameters that are none, and unknown methods', async () => {
    await listen({ setPorts: async ({ ports }) => ({ ports }) })
    const client = await connectRunner(path)
    const wrong = { ports: [{ host: 70_000, guest: 80 }] }
    await expect(client.request('setPorts', wrong)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    })
    await expect(client.request('selfDestruct' as 'status', {})).rejects.toBeInstanceOf(
      MicrovmError,
    )
    client.close()
  })

  it('refuses answers and events that are none', async () => {
    const rpc = await listen({ status: async () => ({ status: 'asleep' }) as unknown as VmState })
    const client = await connectRunner(path)
    const events: VmState[] = []
    client.onState((event) => events.push(event))
    rpc.broadcast('state', { status: 'asleep' })
    await expect(client.request('status', {})).rejects.toMatchObject({ code: 'RUNNER_FAILED' })
    expect(events).toEqual([])
    client.close()
  })

  it('survives a client that talks nonsense', async () => {
    await listen()
    const rude = connect(path)
    rude.on('error', () => undefined)
    rude.write('GET / HTTP/1.1\r\n\r\nContent-Length: -5\r\n\r\n{}')
    const client = await connectRunner(path)
    expect(await client.request('status', {})).toEqual(state)
    client.close()
    rude.destroy()
  })

  it('tells clients when the runner goes, and fails what it has not answered', async () => {
    const rpc = await listen({ resume: () => new Promise(() => undefined) })
    const client = await connectRunner(path)
    const waiting = client.request('resume', {})
    const closed = new Promise<void>((resolve) => client.onClose(resolve))
    // The close waits a moment for answers; this one never comes.
    await Promise.all([
      rpc.close(),
      closed,
      expect(waiting).rejects.toMatchObject({ code: 'RUNNER_FAILED' }),
    ])
    await expect(client.request('status', {})).rejects.toMatchObject({ code: 'RUNNER_FAILED' })
    await new Promise<void>((resolve) => client.onClose(resolve))
  })

  it('sends an answer under way before it closes, and leaves no socket', async () => {
    let finish = (_value: VmState): void => undefined
    const rpc = await listen({ stop: () => new Promise((resolve) => (finish = resolve)) })
    const client = await connectRunner(path)
    const stopped = client.request('stop', { force: false })
    await client.request('status', {})
    finish({ ...state, status: 'stopped' })
    await rpc.close()
    expect(await stopped).toMatchObject({ status: 'stopped' })
    expect(await readdir(dir)).toEqual([])
  })

  it('is not taken from a runner that lives', async () => {
    await refuseSecondRunner(path)
    await listen()
    await expect(refuseSecondRunner(path)).rejects.toMatchObject({ code: 'CONFLICT' })
    const client = await connectRunner(path)
    expect(await client.request('status', {})).toEqual(state)
    client.close()
  })

  it('that is not there is said to be so', async () => {
    await expect(connectRunner(join(dir, 'none'))).rejects.toMatchObject({ code: 'RUNNER_FAILED' })
    const signal = AbortSignal.abort()
    await expect(connectRunner(path, { signal })).rejects.toMatchObject({ code: 'CANCELLED' })
  })
})
