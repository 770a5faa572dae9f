// SPDX-License-Identifier: Apache-2.0
import { createServer, type IncomingMessage } from 'node:http'
import { connect, createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { createHttpClient } from '../../../../../src/main/image/registry/registry-http'
import {
  isLoopback,
  networkSettings,
  proxyFor,
} from '../../../../../src/main/image/registry/registry-network'
import { readAllOf, serve, status } from '../support/registry-fixture'

describe('this computer', () => {
  it('is meant by some names and addresses only', () => {
    const own = ['localhost', 'a.localhost', '127.0.0.1', '127.9.9.9', '[::1]']
    const others = [
      'example.com',
      'localhost.example.com',
      '128.0.0.1',
      '127.0.0.1.nip.io',
      '[::2]',
      '10.0.0.1',
    ]
    expect(own.filter(isLoopback)).toEqual(own)
    expect(others.filter(isLoopback)).toEqual([])
  })
})

describe('the proxy', () => {
  const choose = (url: string, env: NodeJS.ProcessEnv): string | undefined =>
    proxyFor(new URL(url), networkSettings(env))?.href

  it('is one for https and one for http, in small letters or capitals', () => {
    const env = { HTTPS_PROXY: 'http://s:1', HTTP_PROXY: 'p:2' }
    expect(choose('https://a.example/', env)).toBe('http://s:1/')
    expect(choose('http://a.example/', env)).toBe('http://p:2/')
    expect(choose('https://a.example/', { ...env, https_proxy: 'https://t:3' })).toBe(
      'https://t:3/',
    )
    expect(choose('https://a.example/', { HTTP_PROXY: 'p:2' })).toBeUndefined()
  })

  it('is never used for this computer', () => {
    const env = { HTTPS_PROXY: 'http://p:1', HTTP_PROXY: 'http://p:1' }
    for (const url of ['http://localhost:5000/', 'https://127.0.0.1/', 'http://[::1]:5000/'])
      expect(choose(url, env), url).toBeUndefined()
  })

  it.each([
    ['a.example', 'https://a.example/', true],
    ['a.example', 'https://b.a.example/', true],
    ['.a.example', 'https://b.a.example/', true],
    ['*.a.example', 'https://b.a.example/', true],
    ['A.Example', 'https://a.example/', true],
    ['x, a.example y', 'https://a.example/', true],
    ['*', 'https://a.example/', true],
    ['a.example:443', 'https://a.example/', true],
    ['a.example:5000', 'https://a.example/', false],
    ['a.example', 'https://ba.example/', false],
    ['10.0.0.1', 'https://10.0.0.1:5000/', true],
    ['0.0.1', 'https://10.0.0.1/', false],
    ['10.0.0.0/8', 'https://10.1.2.3/', true],
    ['10.0.0.0/8', 'https://11.1.2.3/', false],
    ['10.0.0.0/99', 'https://10.1.2.3/', false],
    ['fd00::/8', 'https://[fd12::1]/', true],
    ['[fd12::1]:443', 'https://[fd12::1]/', true],
    ['fd00::/8', 'https://10.1.2.3/', false],
    ['', 'https://a.example/', false],
  ])('with NO_PROXY=%j: %s goes past it: %s', (noProxy, url, isDirect) => {
    const env = { HTTPS_PROXY: 'http://p:1', NO_PROXY: noProxy }
    expect(choose(url, env) === undefined).toBe(isDirect)
  })

  it('that is no http address is refused', () => {
    for (const bad of ['socks5://p:1', 'http://['])
      expect(() => choose('https://a.example/', { HTTPS_PROXY: bad })).toThrow(
        expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
      )
  })
})

describe('a request through a proxy', () => {
  const closing: (() => void)[] = []
  afterEach(() => closing.splice(0).forEach((close) => close()))

  /** Leads every tunnel to `target`, or refuses it. */
  async function startProxy(target: number, refuse?: number) {
    const asked: IncomingMessage[] = []
    const proxy = createServer((_, response) => response.writeHead(500).end())
    proxy.on('connect', (request: IncomingMessage, socket: Socket) => {
      asked.push(request)
      socket.on('error', () => undefined)
      if (refuse !== undefined) {
        socket.end(`HTTP/1.1 ${refuse} No\r\n\r\n`)
        return
      }
      const far = connect(target, '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n')
        far.pipe(socket).pipe(far)
      }).on('error', () => socket.destroy())
    })
    await new Promise<void>((done) => proxy.listen(0, '127.0.0.1', done))
    closing.push(() => {
      proxy.closeAllConnections()
      proxy.close()
    })
    return { address: `127.0.0.1:${(proxy.address() as AddressInfo).port}`, asked }
  }

  async function ask(proxyUrl: string, timeoutMs = 2000): Promise<string> {
    const http = createHttpClient(networkSettings({ HTTP_PROXY: proxyUrl }), timeoutMs)
    closing.push(() => http.close())
    const { body } = await http.get(new URL('http://registry.invalid:81/v2/'), {
      authorization: 'Bearer abc',
    })
    return (await readAllOf(body)).toString()
  }

  it('goes through a tunnel, so that the proxy sees host and port and its own password only', async () => {
    const server = await serve(status(200, {}, 'hello'))
    const proxy = await startProxy(Number(server.host.split(':')[1]))
    expect(await ask(`http://me:pw@${proxy.address}`)).toBe('hello')
    expect(proxy.asked[0]!.url).toBe('registry.invalid:81')
    expect(proxy.asked[0]!.headers['proxy-authorization']).toBe(
      `Basic ${Buffer.from('me:pw').toString('base64')}`,
    )
    expect(proxy.asked[0]!.headers.authorization).toBeUndefined()
    expect(server.asked[0]!.headers.authorization).toBe('Bearer abc')
  })

  it('whose proxy cannot be reached says so', async () => {
    const server = await serve(status(200))
    await server.close()
    await expect(ask(`http://${server.host}`)).rejects.toMatchObject({
      code: 'REGISTRY_UNREACHABLE',
      message: expect.stringContaining(`the proxy ${server.host} cannot be reached`) as string,
      hint: expect.stringContaining('HTTPS_PROXY') as string,
    })
  })

  it.each([
    ['hangs up', (socket: Socket) => void socket.destroy()],
    ['says nothing', () => undefined],
  ])('whose proxy %s is given up', async (_what, answer) => {
    const sockets: Socket[] = []
    const proxy = createTcpServer((socket) => {
      sockets.push(socket.on('error', () => undefined))
      socket.once('data', () => answer(socket))
    })
    await new Promise<void>((done) => proxy.listen(0, '127.0.0.1', done))
    closing.push(() => {
      sockets.forEach((socket) => socket.destroy())
      proxy.close()
    })
    const { port } = proxy.address() as AddressInfo
    await expect(ask(`http://127.0.0.1:${port}`, 300)).rejects.toThrow('cannot be reached')
    expect(sockets).toHaveLength(1)
  })

  it('that the proxy refuses says so at once', async () => {
    const proxy = await startProxy(0, 407)
    await expect(ask(`http://${proxy.address}`)).rejects.toMatchObject({
      code: 'REGISTRY_UNREACHABLE',
      hint: expect.stringContaining('HTTPS_PROXY') as string,
    })
    expect(proxy.asked).toHaveLength(1)
  })
})
