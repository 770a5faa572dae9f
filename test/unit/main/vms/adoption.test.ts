// SPDX-License-Identifier: Apache-2.0
import { writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { VmEvent } from '../../../../src/main/engine'
import { identifyProcess } from '../../../../src/main/lib/process-identity'
import { FakeRunner } from './fake-runner'
import { makeRig, type Rig } from './machines-rig'

let rig: Rig
let open: Rig['open']
let paths: Rig['paths']
let runners: Rig['runners']
let writeState: Rig['writeState']

beforeEach(async () => {
  rig = await makeRig()
  ;({ open, paths, runners, writeState } = rig)
})
afterEach(() => rig.dispose())

describe('machines of other processes', () => {
  it('are adopted with everything they do from then on', async () => {
    const { id } = await open().create({ name: 'web', image: 'starter' })
    await open().start(id)
    const app = open()
    const events: VmEvent[] = []
    app.subscribe((event) => events.push(event))
    expect((await app.list())[0]!.state.status).toBe('running')
    const stats = {
      at: 1,
      cpuPercent: 5,
      memoryUsedMib: 9,
      memoryTotalMib: 99,
      rxBytes: 0,
      txBytes: 0,
    }
    runners.get(id)!.measure(stats)
    await runners.get(id)!.say({ status: 'paused' })
    expect((await app.get(id)).stats).toEqual(stats)
    const statuses = events.map((event) => event.type === 'changed' && event.vm.state.status)
    expect(statuses.at(-1)).toBe('paused')
  })

  it('are noticed when they come, change and go', async () => {
    const app = open()
    const events: string[] = []
    app.subscribe((event) => {
      events.push(event.type === 'changed' ? event.vm.state.status : 'removed')
    })
    const cli = open()
    const { id } = await cli.create({ name: 'web', image: 'starter' })
    await expect.poll(() => events).toContain('stopped')
    await cli.start(id)
    await expect.poll(() => events).toContain('running')
    await cli.remove(id)
    await expect.poll(() => events.at(-1), { timeout: 5000 }).toBe('removed')
  })

  it('become failed when their runner was killed, while we watch and while we do not', async () => {
    const machines = open()
    const { id } = await machines.create({ name: 'web', image: 'starter' })
    await machines.start(id)
    await runners.get(id)!.die()
    const failed = {
      status: 'failed',
      error: { code: 'RUNNER_FAILED', message: 'runner ended unexpectedly' },
    }
    await expect.poll(async () => (await machines.get(id)).state).toMatchObject(failed)
    expect((await open().get(id)).state).toMatchObject(failed)
    expect((await machines.get(id)).state.runner).toBeUndefined()
    expect((await machines.start(id)).state.status).toBe('running')
  })

  it('do not stay in a launch whose process has died', async () => {
    const { id } = await open().create({ name: 'web', image: 'starter' })
    const me = (await identifyProcess(process.pid))!
    const launcher = { ...me, startTime: 'another time' }
    await writeState(id, { status: 'starting', launcher })
    const { state } = await open().get(id)
    expect(state).toMatchObject({ status: 'failed', error: { code: 'RUNNER_FAILED' } })
    expect(state.error!.message).toContain('interrupted')
  })

  it('count as off when they died while stopping', async () => {
    const { id } = await open().create({ name: 'web', image: 'starter' })
    const runner = { ...(await identifyProcess(process.pid))!, startTime: 'another time' }
    await writeState(id, { status: 'stopping', runner, socket: '/nowhere' })
    expect((await open().get(id)).state).toMatchObject({ status: 'stopped', ports: [] })
  })

  it('are not touched while another process prepares their launch', async () => {
    const { id } = await open().create({ name: 'web', image: 'starter' })
    const launcher = (await identifyProcess(process.pid))!
    await writeState(id, { status: 'starting', launcher })
    expect((await open().get(id)).state.status).toBe('starting')
    await expect(open().stop(id)).rejects.toThrow('being launched by another process')
  })
})

describe('damaged machines', () => {
  it('are reported, hinder no other, and can be deleted', async () => {
    const machines = open()
    const { id } = await machines.create({ name: 'bad', image: 'starter' })
    await machines.create({ name: 'good', image: 'starter' })
    await writeFile(paths.vm(id).spec, '{')
    const bad = (await machines.list()).find((vm) => vm.id === id)!
    expect(bad).toMatchObject({ spec: { name: id }, damaged: { code: 'STATE_CORRUPT' } })
    expect((await machines.get('good')).damaged).toBeUndefined()
    await expect(machines.start(id)).rejects.toMatchObject({ code: 'STATE_CORRUPT' })
    await machines.remove(id)
    expect((await machines.list()).map(({ spec }) => spec.name)).toEqual(['good'])
  })

  it('start again when only their state was lost', async () => {
    const machines = open()
    const { id } = await machines.create({ name: 'web', image: 'starter' })
    await writeFile(paths.vm(id).state, 'nonsense')
    expect((await machines.get(id)).damaged?.code).toBe('STATE_CORRUPT')
    const started = await machines.start(id)
    expect(started.state.status).toBe('running')
    expect((await machines.get(id)).damaged).toBeUndefined()
  })
})

describe('a running machine', () => {
  it('whose state file is damaged is still known to run', async () => {
    const { id } = await open().create({ name: 'web', image: 'starter' })
    await open().start(id)
    await writeFile(paths.vm(id).state, 'nonsense')
    const seen = await open().get(id)
    expect(seen).toMatchObject({ state: { status: 'running' }, damaged: { code: 'STATE_CORRUPT' } })
    expect((await open().stop(id)).state.status).toBe('stopped')
  })

  it('of a newer app is left alone', async () => {
    const { id } = await open().create({ name: 'web', image: 'starter' })
    await writeFile(paths.vm(id).state, JSON.stringify({ version: 99 }))
    const machines = open()
    expect((await machines.get(id)).damaged?.code).toBe('STATE_VERSION')
    for (const act of [machines.start, machines.stop, machines.remove]) {
      await expect(act(id)).rejects.toMatchObject({ code: 'STATE_VERSION' })
    }
    expect((await machines.list()).length).toBe(1)
  })

  it('can be waited for while another process prepares it', async () => {
    const { id } = await open().create({ name: 'web', image: 'starter' })
    await writeState(id, {
      status: 'starting',
      launcher: (await identifyProcess(process.pid))!,
    })
    const connected = vi.fn()
    const connection = open({ connect: async () => connected() as never }).connect(id)
    runners.set(id, await FakeRunner.start(id, paths.vm(id).state))
    await runners.get(id)!.say({ status: 'running' })
    await connection
    expect(connected).toHaveBeenCalled()
  })
})
