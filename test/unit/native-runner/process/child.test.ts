// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { printable, spawnChild, type ChildCommand } from '../../../../native-runner/process/child'
import { silentLogger, type Logger } from '../../../../src/main/lib/logger'

const start = (script: string, logger: Logger = silentLogger, more: Partial<ChildCommand> = {}) =>
  spawnChild(
    {
      name: 'thing',
      executable: process.execPath,
      args: ['-e', script],
      channels: 0,
      errorCode: 'HYPERVISOR_FAILED',
      ...more,
    },
    logger,
  )

describe('a child', () => {
  it('says with which code it ended, and its last words', async () => {
    const child = await start('console.error("first\\nit broke"); process.exit(3)')
    expect(child.running).toBe(true)
    expect(await child.exited).toEqual({ code: 3, signal: null })
    expect(child.describeEnd()).toBe('thing exited with code 3: first | it broke')
    expect(child.running).toBe(false)
  })

  it('says which signal killed it', async () => {
    const child = await start('process.kill(process.pid, "SIGSEGV")')
    expect((await child.exited).signal).toBe('SIGSEGV')
    expect(child.describeEnd()).toBe('thing was killed by SIGSEGV')
  })

  it('has its channels at descriptor 3 and on, in order, both ways', async () => {
    const script = `
      const net = require('node:net')
      for (const fd of [3, 4]) {
        const socket = new net.Socket({ fd })
        socket.on('data', (data) => { socket.write(fd + ' got ' + data); })
      }`
    const child = await start(script, silentLogger, { channels: 2 })
    const answers = child.channels.map(
      (channel) => new Promise((resolve) => channel.once('data', (data) => resolve(String(data)))),
    )
    child.channels[0]!.write('a')
    child.channels[1]!.write('b')
    expect(await Promise.all(answers)).toEqual(['3 got a', '4 got b'])
    await child.stop(1000)
  })

  it('takes over a socket as the descriptor after its channels, and is then its only holder', async () => {
    const server = createServer()
    const path = join(await mkdtemp(join(tmpdir(), 'child-')), 'socket')
    await new Promise<void>((resolve) => server.listen(path, resolve))
    const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve))
    const socket = connect(path)
    await new Promise((resolve) => socket.once('connect', resolve))
    const script = 'require("node:fs").writeSync(4, "mine"); setTimeout(() => {}, 60000)'
    const child = await start(script, silentLogger, { channels: 1, sockets: [socket] })
    const peer = await accepted
    expect(await new Promise((resolve) => peer.once('data', (data) => resolve(String(data))))).toBe(
      'mine',
    )
    const ended = new Promise((resolve) => peer.resume().once('end', resolve))
    child.kill('SIGKILL')
    await ended
    expect(child.channels).toHaveLength(1)
    server.close()
    await rm(dirname(path), { recursive: true })
  })

  it('ends although nobody reads what it wrote into a channel', async () => {
    const child = await start('require("node:fs").writeSync(3, "unread")', silentLogger, {
      channels: 1,
    })
    expect((await child.exited).code).toBe(0)
  })

  it('is asked by TERM, and killed when it does not listen', async () => {
    const polite = await start('setTimeout(() => {}, 60000)')
    await polite.stop(5000)
    expect((await polite.exited).signal).toBe('SIGTERM')
    let heard = (): void => undefined
    const listening = new Promise<void>((resolve) => (heard = resolve))
    const deaf = await start(
      'process.on("SIGTERM", () => {}); console.log("up"); setInterval(() => {}, 1000)',
      { ...silentLogger, info: heard },
    )
    await listening
    await deaf.stop(50)
    expect((await deaf.exited).signal).toBe('SIGKILL')
  })

  it('cannot fill the log', async () => {
    const logged: string[] = []
    const logger = { ...silentLogger, info: (line: string) => logged.push(line) }
    const child = await start('for (let i = 0; i < 3000; i++) console.log("spam " + i)', logger)
    await child.exited
    expect(logged.length).toBeLessThanOrEqual(500)
    expect(child.describeEnd()).toContain('spam 2999')
  })

  it('that is no program is refused by name', async () => {
    const started = start('', silentLogger, { executable: '/nowhere/qemu' })
    await expect(started).rejects.toMatchObject({
      code: 'HYPERVISOR_FAILED',
      message: expect.stringContaining('/nowhere/qemu'),
    })
  })
})

describe('text from outside', () => {
  it('loses its control characters', () => {
    expect(printable('a\u001b[31mb\u0007\u009bc\r\n')).toBe('a [31mb  c  ')
  })
})
