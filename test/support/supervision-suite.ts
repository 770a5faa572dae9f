// SPDX-License-Identifier: Apache-2.0
// How the runner supervises: every way a machine can end, with stand-ins for VMM and gvproxy. The
// stand-in for the VMM is a parameter, so that each backend's launcher can be put to the same test.
import { execFile } from 'node:child_process'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { RunnerVmm } from '../../src/contract/runner-config'
import type { VmState } from '../../src/contract/vm-state'
import type { VmHandle } from '../../src/main/hypervisor/backend'
import { adoptVm } from '../../src/main/hypervisor/vm-handle'
import { allGone, makeRunner, runnerScript, support, type RunnerFixture } from './runner-fixture'

const run = promisify(execFile)

/** What differs from one VMM to the other. */
export interface VmmTraits {
  /** In the command line of the VMM's process, and in no other's. */
  readonly mark: string
  /** It tells when a disk cannot be written, and stops the guest. */
  readonly pauses: boolean
}

export function describeSupervision(
  name: string,
  vmm: RunnerVmm,
  { mark, pauses }: VmmTraits,
): void {
  let fixture: RunnerFixture
  beforeEach(async () => {
    fixture = await makeRunner({ vmm, gvproxy: support('fake-gvproxy.mjs') })
  })
  afterEach(() => fixture.dispose())

  const beside = (file: string): string => join(fixture.disksDir, file)
  const note = (file: string): Promise<string> => readFile(beside(file), 'utf8').catch(() => '')
  const start = async (
    behaviour: string,
    change: Parameters<RunnerFixture['start']>[0] = {},
  ): Promise<VmHandle> => {
    await writeFile(beside('behaviour'), behaviour)
    return await fixture.start(change)
  }
  const running = ({ status }: VmState): boolean => status === 'running'
  const over = ({ status }: VmState): boolean => status === 'stopped' || status === 'failed'
  /** A runner that fails at once may do so before or after the start has seen it alive. */
  const failureOf = async (...args: Parameters<typeof start>): Promise<unknown> =>
    await start(...args).then(
      async () => (await fixture.until(over)).error,
      (error: unknown) => error,
    )
  const pidOf = async (what: string): Promise<number> => {
    const line = (await fixture.processes()).find((text) => text.includes(what))
    return Number(line?.split(' ')[0])
  }
  /** Nothing is left, and state.json says that nothing is. */
  const expectNothingLeft = async (): Promise<void> => {
    expect(await allGone(fixture)).toEqual([])
    expect(await fixture.leftovers()).toEqual([])
    const state = await fixture.state()
    expect(state).not.toHaveProperty('socket')
    expect(state).not.toHaveProperty('runner')
    expect(state.ports).toEqual([])
  }

  describe(`a machine under ${name}`, () => {
    it('comes up, tells its stages in order, and stops when asked', async () => {
      const handle = await start('boots')
      const up = await fixture.until(
        ({ status, timeline }) => status === 'running' && timeline.length === 8,
      )
      // The stand-ins are so quick that network and VMM may be there in any order.
      const own = ['image', 'network', 'vmm']
      const names = up.timeline.map((event) => event.name)
      expect(names).toEqual(expect.arrayContaining(own))
      const guest = ['kernel', 'mounted', 'network-up', 'sshd-ready', 'entrypoint']
      expect(names.filter((stage) => !own.includes(stage))).toEqual(guest)
      const times = up.timeline.map(({ at }) => at)
      expect(times).toEqual(times.toSorted((a, b) => a - b))
      expect(await handle.isAlive()).toBe(true)
      expect(await handle.stop()).toMatchObject({ status: 'stopped' })
      expect(await handle.isAlive()).toBe(false)
      expect(await note('commands')).toContain('poweroff 200\n')
      await expectNothingLeft()
    })

    it('tells the guest the time when it comes up', async () => {
      await start('boots')
      await fixture.until(running)
      expect(await note('commands')).toMatch(/^set-time \d{10}\.\d{3}\n/)
    })

    it('is stopped gently by TERM to its runner', async () => {
      const handle = await start('boots')
      await fixture.until(running)
      process.kill(handle.runner.pid, 'SIGTERM')
      await fixture.until(over)
      expect(await note('commands')).toContain('poweroff')
      expect(await fixture.state()).toMatchObject({ status: 'stopped' })
      await expectNothingLeft()
    })

    it('is ended when its guest does not power off', async () => {
      const handle = await start('deaf guest')
      await fixture.until(running)
      expect(await handle.stop()).toMatchObject({ status: 'stopped' })
      await expectNothingLeft()
    })

    it('is killed when it is told to, however deaf it is', async () => {
      const handle = await start('deaf to all')
      await fixture.until(running)
      expect(await handle.stop({ force: true })).toMatchObject({ status: 'stopped' })
      await expectNothingLeft()
    })

    it('can be forced while a gentle stop is under way', async () => {
      const handle = await start('deaf to all', { stopGraceMs: 60_000 })
      await fixture.until(running)
      const gentle = handle.client.request('stop', { force: false })
      await fixture.until(({ status }) => status === 'stopping')
      await handle.stop({ force: true })
      expect(await gentle).toMatchObject({ status: 'stopped' })
      await expectNothingLeft()
    })

    it('is stopped before it is up', async () => {
      const handle = await start('says nothing')
      expect(await handle.stop()).toMatchObject({ status: 'stopped' })
      await expectNothingLeft()
    })

    it('removes a folder made for its sockets alone', async () => {
      const socketDir = beside('sockets')
      const handle = await start('boots', { socketDir })
      await fixture.until(running)
      expect(await readdir(socketDir)).toContain('runner.sock')
      await handle.stop()
      await expect(readdir(socketDir)).rejects.toMatchObject({ code: 'ENOENT' })
    })

    it('answers several clients, and is adopted by state.json alone', async () => {
      await start('boots')
      const state = await fixture.until(running)
      const adopted = await adoptVm('0123456789ab', state)
      expect(await adopted?.client.request('status', {})).toMatchObject({ status: 'running' })
      expect(await adopted?.stop()).toMatchObject({ status: 'stopped' })
      expect(await adoptVm('0123456789ab', state)).toBeUndefined()
      await expectNothingLeft()
    })

    it.each([
      ['cannot start', 'HYPERVISOR_FAILED', /exited with code 1: cannot set up guest memory/],
      ['resets at once', 'GUEST_BOOT_FAILED', /Kernel panic - not syncing: out of luck/],
      ['crashes later', 'HYPERVISOR_FAILED', /SIGSEGV/],
      ['gives up', 'GUEST_BOOT_FAILED', /no \/dev\/vdb \[2J/],
      ['entrypoint exits 3', 'ENTRYPOINT_FAILED', /^entrypoint exited 3$/],
      ['entrypoint missing', 'ENTRYPOINT_FAILED', /\/bin\/nope: not found/],
      ['sends a giant frame', 'NETWORK_FAILED', /65536 bytes/],
    ])('that %s has failed with %s', async (behaviour, code, message) => {
      await start(behaviour)
      const { status, error } = await fixture.until(over)
      expect(status).toBe('failed')
      expect(error).toMatchObject({ code, message: expect.stringMatching(message) as string })
      expect(error?.hint).toBeTruthy()
      await expectNothingLeft()
    })

    it('whose guest says no word has failed after the time limit', async () => {
      await start('says nothing', { bootTimeoutMs: 300, memoryMib: 64 })
      const { error } = await fixture.until(over)
      expect(error).toMatchObject({
        code: 'GUEST_BOOT_FAILED',
        message: expect.stringContaining('no word from the guest for 0.3 s') as string,
        hint: expect.stringContaining('64 MiB') as string,
      })
      await expectNothingLeft()
    })

    it('reports the exit code of its entrypoint', async () => {
      await start('entrypoint exits 0')
      const done = await fixture.until(over)
      expect(done).toMatchObject({ status: 'stopped', exitCode: 0 })
      expect(done).not.toHaveProperty('error')
      expect(await allGone(fixture)).toEqual([])
      await start('entrypoint exits 3')
      expect(await fixture.until(over)).toMatchObject({ status: 'failed', exitCode: 3 })
      await expectNothingLeft()
    })

    it('comes up again when its guest reboots, under the same runner', async () => {
      const handle = await start('reboots once')
      const boots = async (): Promise<string[]> => (await note('boots')).trim().split('\n')
      await fixture.until(running)
      while ((await boots()).length < 2) await sleep(20)
      const again = await fixture.until(
        ({ status, timeline }) =>
          status === 'running' && !timeline.some((event) => event.name === 'image'),
      )
      expect(again.runner?.pid).toBe(handle.runner.pid)
      expect(await pidOf('gvproxy')).toBeGreaterThan(1)
      await handle.stop()
      await expectNothingLeft()
    })

    it('is not harmed by a guest that talks nonsense', async () => {
      const handle = await start('talks nonsense')
      await fixture.until(running)
      await handle.stop()
      expect(await fixture.state()).toMatchObject({ status: 'stopped' })
      expect(await fixture.log()).toMatch(/"rejectedLines":[1-9]/)
    })

    it('whose VMM is killed says so, and takes the network down', async () => {
      await start('boots')
      await fixture.until(running)
      process.kill(await pidOf(mark), 'SIGKILL')
      const { error } = await fixture.until(over)
      expect(error).toMatchObject({
        code: 'HYPERVISOR_FAILED',
        message: expect.stringContaining('killed by SIGKILL') as string,
      })
      await expectNothingLeft()
    })

    it('whose gvproxy is killed says so, and takes the VMM down', async () => {
      await start('boots')
      await fixture.until(running)
      process.kill(await pidOf('-listen-qemu'), 'SIGKILL')
      const { error } = await fixture.until(over)
      expect(error).toMatchObject({
        code: 'NETWORK_FAILED',
        message: expect.stringContaining('gvproxy was killed by SIGKILL') as string,
      })
      await expectNothingLeft()
    })

    it('leaves no process behind when its runner is killed with -9, and can be started again', async () => {
      const handle = await start('deaf to all')
      await fixture.until(running)
      expect(await fixture.processes()).toHaveLength(3)
      process.kill(handle.runner.pid, 'SIGKILL')
      expect(await allGone(fixture)).toEqual([])
      const next = await start('boots')
      await fixture.until(running)
      await next.stop()
      await expectNothingLeft()
    })

    it('does not start twice', async () => {
      const handle = await start('boots')
      await fixture.until(running)
      await expect(start('boots')).rejects.toMatchObject({
        code: 'RUNNER_FAILED',
        message: expect.stringContaining('another runner of this machine is alive') as string,
      })
      expect(await handle.client.request('status', {})).toMatchObject({ status: 'running' })
      expect(await fixture.state()).toMatchObject({ status: 'running' })
    })

    it.each([
      ['VMM', { vmm: { ...vmm, executable: '/nowhere/vmm' } }, 'HYPERVISOR_FAILED', '/nowhere/vmm'],
      ['network', { gvproxy: '/nowhere/gvproxy' }, 'NETWORK_FAILED', '/nowhere/gvproxy'],
    ])('does not start without its %s, and says so', async (_part, change, code, path) => {
      expect(await failureOf('boots', change)).toMatchObject({
        code,
        message: expect.stringContaining(path) as string,
      })
      await expectNothingLeft()
    })

    it('does not start with a host port that is taken', async () => {
      expect(await failureOf('boots', { ports: [{ host: 1, guest: 80 }] })).toMatchObject({
        code: 'PORT_IN_USE',
        message: expect.stringContaining('host port 1 ') as string,
      })
      await expectNothingLeft()
    })

    it('refuses a configuration that is none, with the exit code for that', async () => {
      const file = beside('runner.json')
      await writeFile(file, '{"vmId":"../../etc"}')
      const failed = run(process.execPath, [runnerScript(), file])
      await expect(failed).rejects.toMatchObject({
        code: 64,
        stderr: expect.stringContaining('vmId') as string,
      })
    })
  })

  if (!pauses) return
  describe(`a machine under ${name} whose disk cannot be written`, () => {
    it('pauses when the host’s disk is full, and goes on by itself when it is not', async () => {
      await start('fills the disk')
      await fixture.until(running)
      await writeFile(beside('now'), '')
      const { error } = await fixture.until(({ status }) => status === 'paused')
      expect(error).toMatchObject({
        code: 'DISK_FULL',
        hint: expect.stringContaining('Free some space') as string,
      })
      const again = await fixture.until(running)
      expect(again).not.toHaveProperty('error')
      expect(await note('resumed')).toBe('x')
    })

    it('pauses when its disk is broken, and goes on when it is told to', async () => {
      const handle = await start('has a broken disk')
      await fixture.until(running)
      await expect(handle.client.request('resume', {})).rejects.toMatchObject({ code: 'CONFLICT' })
      await writeFile(beside('now'), '')
      const { error } = await fixture.until(({ status }) => status === 'paused')
      expect(error?.message).toContain('Input/output error')
      expect(await handle.client.request('resume', {})).toMatchObject({ status: 'running' })
    })

    it('that is paused can be stopped', async () => {
      const handle = await start('has a broken disk')
      await writeFile(beside('now'), '')
      await fixture.until(({ status }) => status === 'paused')
      expect(await handle.stop()).toMatchObject({ status: 'stopped' })
      await expectNothingLeft()
    })
  })
}
