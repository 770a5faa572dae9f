// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { connectGuest } from '../../../../src/main/ssh/connect-guest'
import type { GuestConnection } from '../../../../src/main/ssh/guest-connection'
import { ensureKeys, type VmKeys } from '../../../../src/main/ssh/keys'
import { startFakeGuest, type FakeGuest } from './fake-guest'

const endpoint = { apiSocket: '/unused', guestIp: '192.168.127.2', guestPort: 22 }

let dir: string
let keys: VmKeys
let guest: FakeGuest
let connection: GuestConnection | undefined

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'microvm-ssh-'))
  keys = await ensureKeys(join(dir, 'keys'), join(dir, 'known_hosts'))
  guest = await startFakeGuest(join(dir, 'ssh.sock'), keys)
})
afterEach(async () => {
  connection?.close()
  connection = undefined
  await guest.stop()
  await rm(dir, { recursive: true })
})

async function open(): Promise<GuestConnection> {
  connection = await connectGuest(guest, endpoint, keys)
  return connection
}

describe('a connection into a guest', () => {
  it('runs a command and keeps its output, its errors and its exit code apart', async () => {
    const run = await (await open()).exec('echo out; echo err >&2; exit 42')
    const [stdout, stderr, code] = await Promise.all([
      text(run.stdout),
      text(run.stderr),
      run.exited,
    ])
    expect({ stdout, stderr, code }).toEqual({ stdout: 'out\n', stderr: 'err\n', code: 42 })
  })

  it('carries stdin to its end', async () => {
    const run = await (await open()).exec('wc -c')
    run.stdin.end(Buffer.alloc(3_000_000, 'x'))
    expect((await text(run.stdout)).trim()).toBe('3000000')
  })

  it('reports a death by signal as 128 + its number', async () => {
    const run = await (await open()).exec('kill -TERM $$')
    expect(await run.exited).toBe(143)
  })

  it('passes a signal on to the process', async () => {
    const run = await (await open()).exec('trap "echo caught; exit 7" INT; echo up; read line')
    run.stdout.once('data', () => run.signal('SIGINT'))
    expect(await run.exited).toBe(7)
  })

  it('gives variables to a command and to a login shell', async () => {
    const one = await (await open()).exec('echo "$GREETING"', { env: { GREETING: "it's; $HOME" } })
    expect(await text(one.stdout)).toBe("it's; $HOME\n")
    await expect(connection!.exec('true', { env: { 'A=1;B': '' } })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    })
  })

  it('refuses a command line that the guest would drop without a word', async () => {
    const connection = await open()
    await expect(connection.exec(`: ${'x'.repeat(9000)}`)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('9002 bytes long') as string,
    })
    const longest = await connection.exec(`exit 3; #${'x'.repeat(8991)}`)
    expect(await longest.exited).toBe(3)
  })

  it('asks for a terminal and tells it each new size', async () => {
    const shell = await (await open()).exec(undefined, { pty: { cols: 80, rows: 24 } })
    shell.resize(132, 50)
    shell.stdin.end('exit 3\n')
    expect(await shell.exited).toBe(3)
    expect(guest.sizes).toEqual([
      { cols: 80, rows: 24 },
      { cols: 132, rows: 50 },
    ])
  })

  it('stops the guest’s output when nobody reads it, and goes on when somebody does', async () => {
    const total = 24 * 1024 * 1024
    const run = await (await open()).exec(`head -c ${total} /dev/zero`)
    run.stdout.pause()
    let before = -1
    while (guest.sent() !== before || before === 0) {
      before = guest.sent()
      await sleep(100)
    }
    // The window of 2 MiB, and what the server's own pipes and buffers hold.
    expect(guest.sent()).toBeLessThan(8 * 1024 * 1024)
    let read = 0
    for await (const chunk of run.stdout) read += (chunk as Buffer).length
    expect(read).toBe(total)
  })

  it('forwards to a port inside the guest', async () => {
    const server = createServer((socket) => socket.end('hello from a port'))
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve)
    })
    const stream = await (await open()).forward((server.address() as AddressInfo).port)
    expect(await text(stream)).toBe('hello from a port')
    server.close()
  })

  it('says once that the connection is gone, and fails what was under way', async () => {
    const run = await (await open()).exec('sleep 60')
    const closed = new Promise<void>((resolve) => {
      connection!.onClose(resolve)
    })
    guest.dropConnections()
    await closed
    await expect(run.exited).rejects.toMatchObject({ code: 'SSH_FAILED' })
    await expect(connection!.exec('true')).rejects.toMatchObject({ code: 'SSH_FAILED' })
  })
})

describe('connecting', () => {
  it('refuses a guest that shows another host key, at once', async () => {
    const other = await ensureKeys(join(dir, 'other'), join(dir, 'other_hosts'))
    const pinned = { clientKey: keys.clientKey, hostKeyBlob: other.hostKeyBlob }
    const error = await connectGuest(guest, endpoint, pinned).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'SSH_FAILED' })
    expect((error as Error).message).toContain('host key is not the one made for this machine')
  })

  it('says so when the guest does not accept our key', async () => {
    const other = await ensureKeys(join(dir, 'other'), join(dir, 'other_hosts'))
    const stranger = { clientKey: other.clientKey, hostKeyBlob: keys.hostKeyBlob }
    const error = await connectGuest(guest, endpoint, stranger).catch((reason: unknown) => reason)
    expect((error as Error).message).toContain('does not accept our key')
  })

  it('tries again until sshd answers', async () => {
    let tries = 0
    const deps = {
      openTunnel: async () => {
        tries += 1
        if (tries < 3) throw new Error('connection refused')
        return await guest.openTunnel()
      },
    }
    connection = await connectGuest(deps, endpoint, keys)
    expect(tries).toBe(3)
  })

  it('gives up when the time is up', async () => {
    const deps = { openTunnel: () => Promise.reject(new Error('connection refused')) }
    await expect(connectGuest(deps, endpoint, keys, { timeoutMs: 300 })).rejects.toMatchObject({
      code: 'SSH_FAILED',
      message: expect.stringContaining('connection refused') as string,
    })
  })

  it('can be cancelled while it waits', async () => {
    const deps = { openTunnel: () => Promise.reject(new Error('connection refused')) }
    const signal = AbortSignal.timeout(50)
    const error = await connectGuest(deps, endpoint, keys, { signal }).catch((e: unknown) => e)
    expect((error as Error).name).toMatch(/Abort|Timeout|MicrovmError/)
  })
})

describe('copying over a connection', () => {
  it('fails with the name of both files when the guest has no sftp', async () => {
    await writeFile(join(dir, 'file'), 'content')
    const copy = (await open()).copyTo(join(dir, 'file'), '/tmp/there')
    await expect(copy).rejects.toThrow(/copy .*file to the machine's \/tmp\/there/)
  })
})

describe('keys', () => {
  it('stay the same, are private, and are pinned in known_hosts', async () => {
    const again = await ensureKeys(join(dir, 'keys'), join(dir, 'known_hosts'))
    expect(again).toEqual(keys)
    const mode = async (name: string): Promise<number> =>
      (await stat(join(dir, 'keys', name))).mode & 0o777
    expect(await mode('id_ecdsa')).toBe(0o600)
    expect(await mode('host_ecdsa')).toBe(0o600)
    expect(await mode('id_ecdsa.pub')).toBe(0o644)
    const hosts = await readFile(join(dir, 'known_hosts'), 'utf8')
    expect(hosts).toBe(`* ecdsa-sha2-nistp256 ${keys.hostKeyBlob.toString('base64')}\n`)
  })

  it('are made anew when a file is damaged', async () => {
    await writeFile(join(dir, 'keys', 'id_ecdsa'), 'not a key')
    const fresh = await ensureKeys(join(dir, 'keys'), join(dir, 'known_hosts'))
    expect(fresh.clientKey).not.toBe(keys.clientKey)
    expect(await ensureKeys(join(dir, 'keys'), join(dir, 'known_hosts'))).toEqual(fresh)
  })
})
