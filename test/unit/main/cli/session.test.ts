// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { attach } from '../../../../src/main/cli/session'
import { connectGuest } from '../../../../src/main/ssh/connect-guest'
import type { GuestConnection } from '../../../../src/main/ssh/guest-connection'
import { ensureKeys } from '../../../../src/main/ssh/keys'
import { startFakeGuest, type FakeGuest } from '../ssh/fake-guest'
import { fakeTerminal } from './fake-terminal'

let dir: string
let guest: FakeGuest
let connection: GuestConnection

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'microvm-session-'))
  const keys = await ensureKeys(join(dir, 'keys'), join(dir, 'known_hosts'))
  guest = await startFakeGuest(join(dir, 'ssh.sock'), keys)
  const endpoint = { apiSocket: '/unused', guestIp: '192.168.127.2', guestPort: 22 }
  connection = await connectGuest(guest, endpoint, keys)
})
afterEach(async () => {
  connection.close()
  await guest.stop()
  await rm(dir, { recursive: true })
})

describe('a session', () => {
  it('joins all three streams and returns the exit code', async () => {
    const terminal = fakeTerminal()
    terminal.stdin.end('typed\n')
    const code = await attach(connection, 'cat; echo wrong >&2; exit 9', terminal)
    expect({ code, out: terminal.out, err: terminal.err }).toEqual({
      code: 9,
      out: 'typed\n',
      err: 'wrong\n',
    })
    expect(guest.sizes).toEqual([])
  })

  it('loses nothing of a long output whose end comes with the exit', async () => {
    const terminal = fakeTerminal()
    expect(await attach(connection, 'head -c 5000000 /dev/zero; exit 1', terminal)).toBe(1)
    expect(terminal.out.length).toBe(5_000_000)
  })

  it('has a PTY of the terminal’s size if both ends are terminals, and follows the size', async () => {
    const terminal = fakeTerminal({ interactive: true })
    const ended = attach(connection, undefined, terminal)
    await expect.poll(() => terminal.stdin.raw).toBe(true)
    Object.assign(terminal.stdout, { columns: 100, rows: 40 })
    terminal.stdout.emit('resize')
    terminal.stdin.write('exit 5\n')
    expect(await ended).toBe(5)
    expect(guest.sizes).toEqual([
      { cols: 80, rows: 24 },
      { cols: 100, rows: 40 },
    ])
  })

  it('gives the terminal its mode back when the connection breaks', async () => {
    const terminal = fakeTerminal({ interactive: true })
    const ended = attach(connection, 'echo up; sleep 60', terminal)
    await expect.poll(() => terminal.out).toContain('up')
    guest.dropConnections()
    await expect(ended).rejects.toMatchObject({ code: 'SSH_FAILED' })
    expect(terminal.stdin.raw).toBe(false)
  })

  it('passes a signal on and returns what the command makes of it', async () => {
    const terminal = fakeTerminal()
    const ended = attach(
      connection,
      'trap "exit 3" TERM; echo up; while :; do sleep 0.1; done',
      terminal,
    )
    await expect.poll(() => terminal.out).toContain('up')
    terminal.emit('SIGTERM', 'SIGTERM')
    expect(await ended).toBe(3)
    expect(terminal.listenerCount('SIGTERM')).toBe(0)
  })

  it('leaves a command that ignores the first signal at the second', async () => {
    const terminal = fakeTerminal()
    const ended = attach(connection, 'trap "" INT; echo up; sleep 60', terminal)
    await expect.poll(() => terminal.out).toContain('up')
    terminal.emit('SIGINT', 'SIGINT')
    terminal.emit('SIGINT', 'SIGINT')
    expect(await ended).toBe(130)
  })

  it('ends a command whose output nobody reads any more', async () => {
    const terminal = fakeTerminal()
    const ended = attach(connection, 'yes', terminal)
    await expect.poll(() => terminal.out.length).toBeGreaterThan(0)
    terminal.stdout.emit('error', Object.assign(new Error('broken pipe'), { code: 'EPIPE' }))
    expect(await ended).toBe(141)
  })
})
