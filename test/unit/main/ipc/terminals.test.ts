// SPDX-License-Identifier: Apache-2.0
import { PassThrough } from 'node:stream'
import { describe, expect, it, vi } from 'vitest'
import { MicrovmError } from '../../../../src/contract/errors'
import { TERMINAL_WINDOW_BYTES } from '../../../../src/contract/ipc'
import type { SendEvent } from '../../../../src/main/ipc/events'
import type { TerminalConnection } from '../../../../src/main/ipc/connection-pool'
import { Terminals } from '../../../../src/main/ipc/terminals'

const VM = 'abcdef012345'
const open = { id: VM, terminalId: 't1', cols: 80, rows: 24 }

/** A shell in the guest: real streams, an end the test decides. */
function guestShell() {
  let exit!: (code: number) => void
  let fail!: (error: unknown) => void
  const exited = new Promise<number>((resolve, reject) => {
    exit = resolve
    fail = reject
  })
  exited.catch(() => undefined)
  return {
    stdin: new PassThrough({ highWaterMark: 10 }),
    stdout: new PassThrough({ highWaterMark: 64 * 1024 }),
    stderr: new PassThrough(),
    exited,
    resize: vi.fn(),
    signal: vi.fn(),
    kill: vi.fn(),
    exit,
    fail,
  }
}

function setUp() {
  const shells: ReturnType<typeof guestShell>[] = []
  const exec = vi.fn<TerminalConnection['exec']>(async () => {
    const shell = guestShell()
    shells.push(shell)
    return shell
  })
  const closeConnection = vi.fn()
  const connection = { exec, onClose: vi.fn(), close: closeConnection }
  const connect = vi.fn<(id: string) => Promise<TerminalConnection>>(async () => connection)
  const events: [string, { terminalId: string; data?: Uint8Array }][] = []
  const send: SendEvent = (event, payload) =>
    void events.push([event, payload as unknown as { terminalId: string }])
  const terminals = new Terminals({ connect, send })
  const output = (): string =>
    events.map(([, payload]) => Buffer.from(payload.data ?? []).toString()).join('')
  const closed = () => events.filter(([event]) => event === 'terminal.closed').map(([, p]) => p)
  return {
    terminals,
    call: terminals.handlers,
    shells,
    exec,
    connect,
    closeConnection,
    output,
    closed,
  }
}

describe('a terminal', () => {
  it('is a login shell on a PTY of the asked size, with colours', async () => {
    const { call, exec } = setUp()
    await call['terminals.open'](open)
    expect(exec).toHaveBeenCalledExactlyOnceWith(undefined, {
      pty: { cols: 80, rows: 24, term: 'xterm-256color' },
    })
  })

  it('passes keys, output and sizes', async () => {
    const { call, shells, output } = setUp()
    await call['terminals.open'](open)
    const shell = shells[0]!
    await call['terminals.write']({ terminalId: 't1', data: 'héllo' })
    expect(shell.stdin.read().toString()).toBe('héllo')
    shell.stdout.write('$ ')
    await vi.waitFor(() => expect(output()).toBe('$ '))
    void call['terminals.resize']({ terminalId: 't1', cols: 100, rows: 30 })
    expect(shell.resize).toHaveBeenCalledWith(100, 30)
  })

  it('tells its exit code after its last output, then is gone', async () => {
    const { call, shells, output, closed, closeConnection } = setUp()
    await call['terminals.open'](open)
    shells[0]!.exit(3)
    shells[0]!.stdout.end('bye')
    await vi.waitFor(() => expect(closed()).toEqual([{ terminalId: 't1', code: 3 }]))
    expect(output()).toBe('bye')
    expect(closeConnection).toHaveBeenCalledOnce()
    expect(() => call['terminals.resize']({ terminalId: 't1', cols: 9, rows: 9 })).toThrow(
      'not open',
    )
  })

  it('tells why its connection broke', async () => {
    const { call, shells, closed } = setUp()
    await call['terminals.open'](open)
    shells[0]!.fail(new MicrovmError('SSH_FAILED', 'connection lost'))
    shells[0]!.stdout.destroy()
    await vi.waitFor(() =>
      expect(closed()).toEqual([
        { terminalId: 't1', error: { code: 'SSH_FAILED', message: 'connection lost' } },
      ]),
    )
  })

  it('stops reading from the guest while the window does not keep up', async () => {
    const { call, shells, output } = setUp()
    await call['terminals.open'](open)
    const { stdout } = shells[0]!
    const chunk = Buffer.alloc(16 * 1024, 'y')
    let accepted = 0
    const flood = setInterval(() => {
      while (stdout.write(chunk)) accepted += chunk.length
    })
    await vi.waitFor(() => expect(stdout.isPaused()).toBe(true))
    clearInterval(flood)
    const held = output().length
    expect(held).toBeGreaterThanOrEqual(TERMINAL_WINDOW_BYTES - 64 * 1024)
    expect(held).toBeLessThanOrEqual(TERMINAL_WINDOW_BYTES + 64 * 1024)
    expect(accepted).toBeLessThan(TERMINAL_WINDOW_BYTES + 256 * 1024)
    void call['terminals.ack']({ terminalId: 't1', bytes: held })
    await vi.waitFor(() => expect(output().length).toBeGreaterThan(held))
  })

  it('holds a long paste back until the guest takes it', async () => {
    const { call, shells } = setUp()
    await call['terminals.open'](open)
    let written = false
    const writing = Promise.resolve(
      call['terminals.write']({ terminalId: 't1', data: 'x'.repeat(1000) }),
    ).then(() => (written = true))
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(written).toBe(false)
    shells[0]!.stdin.resume()
    await writing
    expect(written).toBe(true)
  })

  it('lets a paste end when the shell does', async () => {
    const { call, shells } = setUp()
    await call['terminals.open'](open)
    const writing = call['terminals.write']({ terminalId: 't1', data: 'x'.repeat(1000) })
    shells[0]!.exit(0)
    await expect(writing).resolves.toBeUndefined()
  })

  it('hangs up when the window closes it, and says nothing more', async () => {
    const { call, shells, closed, closeConnection } = setUp()
    await call['terminals.open'](open)
    void call['terminals.close']({ terminalId: 't1' })
    expect(shells[0]!.kill).toHaveBeenCalledOnce()
    expect(closeConnection).toHaveBeenCalledOnce()
    shells[0]!.exit(129)
    shells[0]!.stdout.end()
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(closed()).toEqual([])
  })

  it('that is closed while it opens leaves no shell behind', async () => {
    const { call, shells } = setUp()
    const opening = call['terminals.open'](open)
    void call['terminals.close']({ terminalId: 't1' })
    await expect(opening).rejects.toMatchObject({ code: 'CANCELLED' })
    expect(shells[0]!.kill).toHaveBeenCalledOnce()
  })

  it('that cannot be opened gives its id free and says what failed', async () => {
    const { call, connect } = setUp()
    connect.mockRejectedValueOnce(new MicrovmError('SSH_FAILED', 'no answer', { hint: 'Wait.' }))
    await expect(call['terminals.open'](open)).rejects.toMatchObject({
      code: 'SSH_FAILED',
      message: 'open a shell: no answer',
      hint: 'Wait.',
    })
    await expect(call['terminals.open'](open)).resolves.toBeUndefined()
  })

  it('cannot be opened twice under one id', async () => {
    const { call } = setUp()
    await call['terminals.open'](open)
    await expect(call['terminals.open'](open)).rejects.toMatchObject({ code: 'CONFLICT' })
  })
})

describe('all terminals', () => {
  it('share a connection and end with the window', async () => {
    const { terminals, call, shells, connect } = setUp()
    await call['terminals.open'](open)
    await call['terminals.open']({ ...open, terminalId: 't2' })
    expect(connect).toHaveBeenCalledOnce()
    terminals.closeAll()
    expect(shells.map((shell) => shell.kill.mock.calls.length)).toEqual([1, 1])
  })
})
