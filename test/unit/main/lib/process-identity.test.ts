// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { identifyProcess, isAlive, signalProcess } from '../../../../src/main/lib/process-identity'

const sleeper = () => spawn('sleep', ['60'], { stdio: 'ignore' })

describe('the identity of a process', () => {
  it('names pid, start and executable of a running process', async () => {
    const identity = await identifyProcess(process.pid)
    expect(identity).toMatchObject({ pid: process.pid, executable: process.execPath })
    expect(await identifyProcess(process.pid)).toEqual(identity)
  })

  it.each([0, 1, -1, 2 ** 40, 1.5])('refuses pid %s', async (pid) => {
    expect(await identifyProcess(pid)).toBeUndefined()
  })

  it('no longer holds once the process has ended', async () => {
    const child = sleeper()
    const identity = await identifyProcess(child.pid!)
    expect(await isAlive(identity!)).toBe(true)
    expect(await signalProcess(identity!, 'SIGTERM')).toBe('sent')
    await once(child, 'exit')
    expect(await isAlive(identity!)).toBe(false)
    expect(await signalProcess(identity!, 'SIGTERM')).toBe('gone')
  })

  it('does not mistake a later process with the same pid for it', async () => {
    const child = sleeper()
    const identity = await identifyProcess(child.pid!)
    const reused = { ...identity!, startTime: `${identity!.startTime}0` }
    expect(await signalProcess(reused, 'SIGKILL')).toBe('gone')
    expect(await isAlive(identity!)).toBe(true)
    child.kill('SIGKILL')
    await once(child, 'exit')
  })
})
