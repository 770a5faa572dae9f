// SPDX-License-Identifier: Apache-2.0
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { MicrovmError } from '../../../../src/contract/errors'
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

describe('making machines', () => {
  it('lists them in the order they were made, all off', async () => {
    const machines = open({ now: vi.fn<() => number>().mockReturnValueOnce(1).mockReturnValue(2) })
    await machines.create({ name: 'first', image: 'starter' })
    await machines.create({ name: 'second', image: 'debian', cpus: 2 })
    const views = await machines.list()
    expect(views.map(({ spec, state }) => [spec.name, state.status])).toEqual([
      ['first', 'stopped'],
      ['second', 'stopped'],
    ])
  })

  it('gives a name once only, also when two processes want it at the same time', async () => {
    const makers = [open(), open(), open()]
    const tries = await Promise.allSettled(
      makers.map((machines) => machines.create({ name: 'wanted', image: 'starter' })),
    )
    expect(tries.filter(({ status }) => status === 'fulfilled').length).toBe(1)
    const refused = tries.find(({ status }) => status === 'rejected') as PromiseRejectedResult
    expect(refused.reason).toMatchObject({ code: 'ALREADY_EXISTS' })
    expect((await open().list()).length).toBe(1)
  })

  it('refuses a spec that is none, a bad reference, and one host port twice', async () => {
    const machines = open({
      checkReference: () => {
        throw new MicrovmError('REFERENCE_INVALID', 'no reference')
      },
    })
    const create = (spec: object) => machines.create({ name: 'a', image: 'x', ...spec })
    await expect(create({ name: 'Not A Name' })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    await expect(create({})).rejects.toMatchObject({ code: 'REFERENCE_INVALID' })
    const ports = [
      { host: 80, guest: 1 },
      { host: 80, guest: 2 },
    ]
    const twice = open().create({ name: 'a', image: 'x', ports })
    await expect(twice).rejects.toThrow('host port 80 is forwarded twice')
    expect(await machines.list()).toEqual([])
  })

  it('finds a machine by name, id, or the beginning of one id', async () => {
    const machines = open()
    const { id } = await machines.create({ name: 'web', image: 'starter' })
    for (const word of ['web', id, id.slice(0, 4)]) {
      expect((await machines.get(word)).id).toBe(id)
    }
    await expect(machines.get('nope')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(machines.get('')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    for (const twin of ['abc000000001', 'abc000000002']) {
      await mkdir(paths.vm(twin).dir)
      const record = JSON.parse(await readFile(paths.vm(id).spec, 'utf8')) as { spec: object }
      const spec = { ...record.spec, name: twin }
      await writeFile(paths.vm(twin).spec, JSON.stringify({ ...record, id: twin, spec }))
    }
    await expect(machines.get('abc')).rejects.toThrow('begins the id of several machines')
  })
})

describe('starting and stopping', () => {
  it('goes from stopped to running and back, telling each step', async () => {
    const machines = open()
    const seen: string[] = []
    const { id } = await machines.create({ name: 'web', image: 'starter' })
    machines.subscribe((event) => {
      if (event.type === 'changed') seen.push(event.vm.state.status)
    })
    expect((await machines.start(id)).state.status).toBe('running')
    expect((await machines.stop(id)).state.status).toBe('stopped')
    const steps = seen.filter((status, index) => status !== seen[index - 1])
    expect(steps.join()).toMatch(/^(stopped,)?starting,running,stopped$/)
  })

  it('refuses to start a machine that runs, whoever started it', async () => {
    const { id } = await open().create({ name: 'web', image: 'starter' })
    await open().start(id)
    await expect(open().start(id)).rejects.toMatchObject({
      code: 'CONFLICT',
      message: 'web is running',
    })
  })

  it('lets only one of two processes launch it', async () => {
    const { id } = await open().create({ name: 'web', image: 'starter' })
    const tries = await Promise.allSettled([open().start(id), open().start(id), open().start(id)])
    expect(tries.filter(({ status }) => status === 'fulfilled').length).toBe(1)
  })

  it('writes down why a launch failed', async () => {
    const launch = () => Promise.reject(new MicrovmError('IMAGE_NOT_FOUND', 'no such image'))
    const machines = open({ launch })
    const { id } = await machines.create({ name: 'web', image: 'nope' })
    await expect(machines.start(id)).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' })
    const { state } = await open().get(id)
    expect(state).toMatchObject({ status: 'failed', error: { code: 'IMAGE_NOT_FOUND' } })
    expect(state.launcher).toBeUndefined()
  })

  it('passes on what the runner says of a boot that failed', async () => {
    const error = { code: 'GUEST_BOOT_FAILED' as const, message: 'kernel panic' }
    const machines = open({
      launch: async ({ id }) => {
        const runner = await FakeRunner.start(id, paths.vm(id).state)
        runners.set(id, runner)
        setTimeout(() => void runner.end({ status: 'failed', error }), 5)
        return runner.handle()
      },
    })
    const { id } = await machines.create({ name: 'web', image: 'starter' })
    await expect(machines.start(id)).rejects.toMatchObject(error)
    expect((await machines.get(id)).state).toMatchObject({ status: 'failed', error })
  })

  it('ends a launch that is cancelled while the image is fetched', async () => {
    const machines = open({
      launch: (_record, _startedAt, { signal }) =>
        new Promise((_resolve, reject) => {
          signal!.addEventListener('abort', () => reject(new Error('interrupted')))
        }),
    })
    const { id } = await machines.create({ name: 'web', image: 'starter' })
    const started = machines.start(id)
    await expect.poll(async () => (await machines.get(id)).state.status).toBe('starting')
    await Promise.all([
      expect(started).rejects.toMatchObject({ code: 'CANCELLED' }),
      machines.stop(id),
    ])
    expect((await machines.get(id)).state.status).toBe('stopped')
  })

  it('stops the machine when a hook after boot fails', async () => {
    const close = vi.fn()
    const machines = open({ connect: async () => ({ close }) as never })
    const { id } = await machines.create({ name: 'web', image: 'starter' })
    const afterBoot = [{ name: 'greet', run: () => Promise.reject(new Error('no greeting')) }]
    await expect(machines.start(id, { afterBoot })).rejects.toThrow(
      'after boot: greet: no greeting',
    )
    expect((await machines.get(id)).state).toMatchObject({ status: 'failed', ports: [] })
    expect(close).toHaveBeenCalled()
  })

  it('reports a machine whose command was over at once as stopped, with its code', async () => {
    const machines = open({
      launch: async ({ id }) => {
        const runner = await FakeRunner.start(id, paths.vm(id).state)
        runners.set(id, runner)
        setTimeout(() => void runner.end({ status: 'stopped', exitCode: 3 }), 5)
        return runner.handle()
      },
    })
    const { id } = await machines.create({ name: 'once', image: 'starter' })
    expect((await machines.start(id)).state).toMatchObject({ status: 'stopped', exitCode: 3 })
  })
})

describe('deleting', () => {
  it('stops the machine and leaves nothing of it', async () => {
    const machines = open()
    const { id } = await machines.create({ name: 'web', image: 'starter' })
    await machines.start(id)
    await machines.remove(id)
    expect(await machines.list()).toEqual([])
    expect((await readdir(paths.vms)).filter((name) => name.includes(id))).toEqual([])
    await expect(machines.remove(id)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  it('finishes what a dying process has begun', async () => {
    const trash = join(paths.vms, '.trash-0123456789ab-1')
    await mkdir(trash, { recursive: true })
    await open().list()
    await expect(stat(trash)).rejects.toThrow('ENOENT')
  })

  it('happens by itself once an autoRemove machine has stopped, in any process', async () => {
    const machines = open()
    const { id } = await machines.create({ name: 'gone', image: 'starter', autoRemove: true })
    expect((await machines.list()).length).toBe(1)
    await machines.start(id)
    expect((await machines.stop(id)).spec.name).toBe('gone')
    expect(await machines.list()).toEqual([])

    const orphan = await machines.create({ name: 'orphan', image: 'starter', autoRemove: true })
    await writeState(orphan.id, { status: 'stopped', stoppedAt: Date.now() })
    expect((await open().list()).length).toBe(1)
    await writeState(orphan.id, { status: 'stopped', stoppedAt: Date.now() - 60_000 })
    expect(await open().list()).toEqual([])
  })

  it('spares an autoRemove machine that failed, and one that is restarted', async () => {
    const machines = open()
    const { id } = await machines.create({ name: 'kept', image: 'starter', autoRemove: true })
    await writeState(id, { status: 'failed', stoppedAt: 1 })
    expect((await machines.list()).length).toBe(1)
    await machines.start(id)
    expect((await machines.restart(id)).state.status).toBe('running')
  })
})

describe('ports', () => {
  const ports = [{ host: 8080, guest: 80 }]

  it('are stored for the next start of a machine that is off', async () => {
    const machines = open()
    const { id } = await machines.create({ name: 'web', image: 'starter' })
    await machines.setPorts(id, ports)
    expect((await open().get(id)).spec.ports).toEqual(ports)
  })

  it('change at once in one that runs, and stay changed', async () => {
    const machines = open()
    const { id } = await machines.create({ name: 'web', image: 'starter' })
    await machines.start(id)
    const view = await open().setPorts(id, ports)
    expect(view.state.ports).toEqual(ports)
    expect((await machines.get(id)).spec.ports).toEqual(ports)
    expect(runners.get(id)!.requests).toContainEqual({ method: 'setPorts', params: { ports } })
  })
})
