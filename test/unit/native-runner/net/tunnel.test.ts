// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openTunnel } from '../../../../native-runner/net/tunnel'

let dir: string
let server: Server | undefined
let requests: string[]
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'microvm-tunnel-'))
  requests = []
})
afterEach(async () => {
  server?.close()
  await rm(dir, { recursive: true })
})

/** Answers each request with what `answer` does. */
async function listen(answer: (socket: Socket) => void): Promise<string> {
  const path = join(dir, 'api.sock')
  server = createServer((socket) => {
    socket.on('error', () => undefined)
    let head = ''
    socket.on('data', (chunk) => {
      if (head.includes('\r\n\r\n')) return
      head += chunk.toString('latin1')
      if (!head.includes('\r\n\r\n')) return
      requests.push(head)
      answer(socket)
    })
  })
  await new Promise<void>((resolve) => server!.listen(path, resolve))
  return path
}

describe('a tunnel', () => {
  it('asks for the guest’s port and becomes a raw stream', async () => {
    const path = await listen((socket) => {
      socket.write('OK')
      socket.on('data', (chunk) => socket.end(`echo ${chunk.toString()}`))
    })
    const tunnel = await openTunnel(path, '192.168.127.2', 22)
    tunnel.write('hello')
    expect(Buffer.concat(await tunnel.toArray()).toString()).toBe('echo hello')
    expect(requests[0]).toMatch(/^POST \/tunnel\?ip=192\.168\.127\.2&port=22 HTTP\/1\.1\r\n/)
  })

  it('keeps what the guest says right after the answer', async () => {
    const path = await listen((socket) => socket.end('OKSSH-2.0-dropbear\r\n'))
    const tunnel = await openTunnel(path, '192.168.127.2', 22)
    expect(Buffer.concat(await tunnel.toArray()).toString()).toBe('SSH-2.0-dropbear\r\n')
  })

  it('understands an answer that comes in pieces', async () => {
    const path = await listen((socket) => {
      socket.write('O')
      setTimeout(() => socket.end('Khi'), 20)
    })
    const tunnel = await openTunnel(path, '192.168.127.2', 22)
    expect(Buffer.concat(await tunnel.toArray()).toString()).toBe('hi')
  })

  it('quotes a refusal', async () => {
    const path = await listen((socket) =>
      socket.end('HTTP/1.1 500 Internal Server Error\r\nContent-Length: 9\r\n\r\nbad port\n'),
    )
    await expect(openTunnel(path, 'x', 22)).rejects.toMatchObject({
      code: 'NETWORK_FAILED',
      message: expect.stringContaining('500 Internal Server Error: bad port') as string,
    })
  })

  it('says so when gvproxy hangs up, or is not there', async () => {
    const path = await listen((socket) => socket.end())
    await expect(openTunnel(path, 'x', 22)).rejects.toMatchObject({ code: 'NETWORK_FAILED' })
    await expect(openTunnel(join(dir, 'none'), 'x', 22)).rejects.toMatchObject({
      code: 'NETWORK_FAILED',
    })
  })

  it('gives up after the time limit, and when it is cancelled', async () => {
    const path = await listen(() => undefined)
    await expect(openTunnel(path, 'x', 22, { timeoutMs: 30 })).rejects.toMatchObject({
      code: 'TIMEOUT',
    })
    const abort = new AbortController()
    const opening = openTunnel(path, 'x', 22, { signal: abort.signal })
    abort.abort()
    await expect(opening).rejects.toMatchObject({ code: 'CANCELLED' })
  })

  it('does not read an endless refusal', async () => {
    const path = await listen((socket) => socket.write('x'.repeat(100_000)))
    await expect(openTunnel(path, 'x', 22)).rejects.toMatchObject({ code: 'NETWORK_FAILED' })
  })
})
