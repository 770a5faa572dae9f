// SPDX-License-Identifier: Apache-2.0
// The engine as a library, on real guests: what the command line does not show.
import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createEngine, type Engine } from '../../src/main/engine'
import { guestBinary, guestEnvFile, guestFile } from '../../src/main/run/guest-files'
import type { GuestConnection } from '../../src/main/ssh/guest-connection'
import { processesNaming } from '../support/cli'

const run = promisify(execFile)
let dir: string
let dataDir: string
let engine: Engine

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'microvm-engine-'))
  dataDir = join(dir, 'data')
  engine = await createEngine({ dataDir, env: process.env })
})
afterAll(async () => {
  for (const { id } of await engine.machines.list()) await engine.machines.remove(id)
  await engine.close()
  const left = await processesNaming(dataDir)
  await rm(dir, { recursive: true, force: true })
  expect(left).toEqual([])
})

async function output(connection: GuestConnection, command: string): Promise<string> {
  const { stdout, stderr, exited } = await connection.exec(command)
  stderr.resume()
  const [said] = await Promise.all([text(stdout), exited])
  return said
}

describe('a launch with hooks', () => {
  let connection: GuestConnection

  it('has the files before anything runs, and runs the hooks before it counts as started', async () => {
    const { id } = await engine.machines.create({
      name: 'hooked',
      image: 'starter',
      command: ['sh', '-c', 'cat /etc/greeting > /root/seen-at-start; exec sleep 1000'],
    })
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(dir, 'own_key')])
    const said: string[] = []
    const started = await engine.machines.start(id, {
      files: [
        guestFile('/etc/greeting', 'hello', { mode: 0o640, uid: 12, gid: 34 }),
        guestBinary('/opt/new/folder/tool', Buffer.from('#!/bin/sh\necho tool ran\n')),
        guestEnvFile('/etc/secrets', { TOKEN: "it's" }),
      ],
      authorizedKeys: [(await readFile(join(dir, 'own_key.pub'), 'utf8')).trim()],
      afterBoot: [
        {
          name: 'look',
          run: async (machine) => {
            said.push(await output(machine.connection, 'cat /root/seen-at-start'))
          },
        },
      ],
    })
    expect(started.state.status).toBe('running')
    expect(said).toEqual(['hello'])
    connection = await engine.machines.connect(id)
    const script = "stat -c '%a %u %g' /etc/greeting /etc/secrets; /opt/new/folder/tool"
    expect(await output(connection, script)).toBe('640 12 34\n600 0 0\ntool ran\n')
  })

  it('copies files in and out without changing a byte', async () => {
    const content = randomBytes(3_000_001)
    await writeFile(join(dir, 'sent'), content)
    await connection.copyTo(join(dir, 'sent'), '/root/got', { mode: 0o600 })
    const sum = createHash('sha256').update(content).digest('hex')
    expect(await output(connection, 'sha256sum < /root/got; stat -c %a /root/got')).toBe(
      `${sum}  -\n600\n`,
    )
    await connection.copyFrom('/root/got', join(dir, 'back'))
    expect((await readFile(join(dir, 'back'))).equals(content)).toBe(true)
    await expect(connection.copyFrom('/nowhere', join(dir, 'no'))).rejects.toThrow('/nowhere')
    await expect(readFile(join(dir, 'no'))).rejects.toThrow('ENOENT')
  })

  it('forwards a stream to a port in the guest without opening one on the host', async () => {
    await output(connection, 'echo from inside > /tmp/page; httpd -h /tmp -p 127.0.0.1:8000')
    const stream = await connection.forward(8000)
    stream.end('GET /page HTTP/1.0\r\n\r\n')
    expect(await text(stream)).toContain('from inside')
  })

  it('lets ssh in with the user’s own key, and with ours and the pinned host key', async () => {
    const { id } = await engine.machines.get('hooked')
    const { state } = await engine.machines.setPorts(id, [{ host: 0, guest: 22 }])
    const port = String(state.ports[0]!.host)
    const vmDir = join(dataDir, 'vms', id)
    for (const key of [join(dir, 'own_key'), join(vmDir, 'keys', 'id_ecdsa')]) {
      const { stdout } = await run('ssh', [
        ...['-p', port, '-i', key, '-o', 'IdentitiesOnly=yes', '-o', 'BatchMode=yes'],
        ...['-o', `UserKnownHostsFile=${join(vmDir, 'known_hosts')}`],
        ...['-o', 'StrictHostKeyChecking=yes', 'root@127.0.0.1', 'hostname'],
      ])
      expect(stdout).toBe('hooked\n')
    }
  })

  it('is stopped when a hook after boot fails', async () => {
    const { id } = await engine.machines.create({ name: 'unhooked', image: 'starter', command: [] })
    const afterBoot = [{ name: 'fail', run: () => Promise.reject(new Error('as it should')) }]
    const start = engine.machines.start(id, { afterBoot })
    await expect(start).rejects.toThrow('after boot: fail: as it should')
    const { state } = await engine.machines.get(id)
    expect(state).toMatchObject({ status: 'failed', error: { message: expect.any(String) } })
    expect(await processesNaming(`vms/${id}`)).toEqual([])
  })
})

describe('a second engine on the same data directory', () => {
  it('adopts what runs: its state, its numbers, its shell', async () => {
    const other = await createEngine({ dataDir, env: process.env })
    try {
      const adopted = (await other.machines.list()).find(({ spec }) => spec.name === 'hooked')!
      expect(adopted.state).toMatchObject({ status: 'running', backend: { name: 'qemu' } })
      const connection = await other.machines.connect(adopted.id)
      expect(await output(connection, 'hostname')).toBe('hooked\n')
      connection.close()
      await expect
        .poll(async () => (await other.machines.get(adopted.id)).stats?.memoryTotalMib, {
          timeout: 10_000,
        })
        .toBeGreaterThan(300)
    } finally {
      await other.close()
    }
    expect((await engine.machines.get('hooked')).state.status).toBe('running')
  })

  it('says that a machine failed whose runner was killed, and starts it again', async () => {
    const { id, state } = await engine.machines.get('hooked')
    process.kill(state.runner!.pid, 'SIGKILL')
    await expect.poll(() => processesNaming(`vms/${id}`), { timeout: 10_000 }).toEqual([])
    const other = await createEngine({ dataDir, env: process.env })
    expect((await other.machines.get(id)).state).toMatchObject({
      status: 'failed',
      error: { code: 'RUNNER_FAILED', message: 'runner ended unexpectedly' },
    })
    expect((await other.machines.start(id)).state.status).toBe('running')
    await other.close()
  })

  it('keeps an image that a machine was made from', async () => {
    await expect(engine.images.remove('starter')).rejects.toMatchObject({ code: 'CONFLICT' })
  })
})
