// SPDX-License-Identifier: Apache-2.0
import type { ServerResponse } from 'node:http'
import { describe, expect, it } from 'vitest'
import { checkTarget, createHttpClient } from '../../../../../src/main/image/registry/registry-http'
import { networkSettings } from '../../../../../src/main/image/registry/registry-network'
import { Retryable } from '../../../../../src/main/image/registry/retry'
import type { Answer } from '../support/scripted-registry'
import { clientOf, inTurn, readAllOf, serve, status } from '../support/registry-fixture'
import { sha256 } from '../support/tar-bytes'

const content = Buffer.from('0123456789'.repeat(20_000))

describe('a redirect', () => {
  it('is followed to another host without the token', async () => {
    const storage = await serve(status(200, {}, content.toString()))
    const server = await serve(status(307, { location: `${storage.origin}/blob?sig=1` }))
    const { client } = clientOf(server, { authorization: { header: 'Bearer abc' } })
    expect((await readAllOf(client.blob(sha256(content), content.length))).equals(content)).toBe(
      true,
    )
    expect(server.asked[0]!.headers.authorization).toBe('Bearer abc')
    expect(storage.asked[0]!.headers.authorization).toBeUndefined()
  })

  it('within the host keeps it', async () => {
    const server = await serve(
      inTurn(status(302, { location: '/elsewhere' }), status(200, {}, '{}')),
    )
    const { client } = clientOf(server, { authorization: { header: 'Bearer abc' } })
    await client.manifest('v1')
    expect(server.asked.map(({ url }) => url)).toEqual(['/v2/acme/app/manifests/v1', '/elsewhere'])
    expect(server.asked[1]!.headers.authorization).toBe('Bearer abc')
  })

  it.each([
    'http://storage.example/blob',
    'file:///etc/passwd',
    'https://a:b@storage.example/',
    'http://[',
  ])('to %s is not followed', async (location) => {
    const server = await serve(status(307, { location }))
    await expect(clientOf(server).client.manifest('v1')).rejects.toMatchObject({
      code: 'REGISTRY_ERROR',
    })
  })

  it('is followed ten times at most', async () => {
    const server = await serve(status(307, { location: '/again' }))
    await expect(clientOf(server).client.manifest('v1')).rejects.toMatchObject({
      code: 'REGISTRY_ERROR',
    })
    expect(server.asked).toHaveLength(11)
  })
})

describe('this computer', () => {
  it('is no place a registry elsewhere may send us to', () => {
    const registry = new URL('https://registry.example')
    for (const url of ['http://127.0.0.1/', 'https://localhost/', 'https://[::1]:8080/'])
      expect(() => checkTarget(new URL(url), registry), url).toThrow(
        expect.objectContaining({ code: 'REGISTRY_ERROR' }),
      )
    expect(() => checkTarget(new URL('https://storage.example/'), registry)).not.toThrow()
    expect(() =>
      checkTarget(new URL('http://127.0.0.1/'), new URL('http://localhost')),
    ).not.toThrow()
  })
})

describe('a server that falls silent', () => {
  it.each([
    ['before it answers', () => undefined],
    [
      'in the middle of its answer',
      (_: unknown, response: ServerResponse) => void response.writeHead(200).write('a'),
    ],
  ])('%s is given up, and may be asked again', async (_when, answer) => {
    const server = await serve(answer)
    const http = createHttpClient(networkSettings({}), 300)
    const asked = (async () => {
      const { body } = await http.get(new URL(server.origin), {})
      return readAllOf(body)
    })()
    await expect(asked).rejects.toBeInstanceOf(Retryable)
    http.close()
  })

  it('is not blamed for a reader that is slow', async () => {
    const server = await serve(status(200, {}, content.toString()))
    const http = createHttpClient(networkSettings({}), 300)
    const { body } = await http.get(new URL(server.origin), {})
    let bytes = 0
    for await (const chunk of body) {
      if (bytes === 0) await new Promise((resolve) => setTimeout(resolve, 1500))
      bytes += chunk.length
    }
    expect(bytes).toBe(content.length)
    http.close()
  })
})

describe('a server that dribbles', () => {
  it('is given up, and may be asked again', async () => {
    let timer: NodeJS.Timeout | undefined
    const server = await serve((_, response) => {
      response.writeHead(200, { 'content-length': 1000 })
      timer = setInterval(() => response.write('x'), 20)
    })
    const http = createHttpClient(networkSettings({}), 300)
    const { body } = await http.get(new URL(server.origin), {})
    const failed = readAllOf(body)
    await expect(failed).rejects.toBeInstanceOf(Retryable)
    await expect(failed).rejects.toThrow('next to nothing')
    clearInterval(timer)
    http.close()
  })
})

describe('a connection', () => {
  /** Asks twice, dropping the first answer, and tells the ports that the requests came from. */
  async function portsOf(size: number): Promise<Set<number | undefined>> {
    const ports: (number | undefined)[] = []
    const server = await serve((request, response) => {
      ports.push(request.socket.remotePort)
      response.end(Buffer.alloc(size))
    })
    const http = createHttpClient(networkSettings({}))
    for (const path of ['/a', '/b']) {
      const response = await http.get(new URL(path, server.origin), {})
      response.drop()
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    http.close()
    expect(ports).toHaveLength(2)
    return new Set(ports)
  }

  it('is used again after a small answer that nobody wanted', async () => {
    expect((await portsOf(1000)).size).toBe(1)
  })

  it('is given up with a large one', async () => {
    expect((await portsOf(8 * 1024 * 1024)).size).toBe(2)
  })
})

describe('a request that is cancelled', () => {
  const hello = status(200, {}, content.toString())

  it.each<[string, Answer]>([
    ['before it is sent', hello],
    ['before it is answered', () => undefined],
    ['in the middle of its answer', (_, response) => void response.writeHead(200).write('a')],
  ])('%s ends so', async (when, answer) => {
    const server = await serve(answer)
    const http = createHttpClient(networkSettings({}))
    const cancelling = new AbortController()
    if (when === 'before it is sent') cancelling.abort()
    else setTimeout(() => cancelling.abort(), 50)
    const asked = (async () => {
      const { body } = await http.get(new URL(server.origin), { signal: cancelling.signal })
      return readAllOf(body)
    })()
    await expect(asked).rejects.toMatchObject({ code: 'CANCELLED' })
    http.close()
  })
})

describe('an answer that nobody reads', () => {
  it('stays with the server but for a little', async () => {
    let sent = 0
    const server = await serve((_, response) => {
      const piece = Buffer.alloc(1024 * 1024)
      const send = (): void => {
        while (sent < 256 && response.write(piece)) sent++
      }
      response.on('drain', send)
      send()
    })
    const http = createHttpClient(networkSettings({}))
    const response = await http.get(new URL(server.origin), {})
    await new Promise((resolve) => setTimeout(resolve, 300))
    // What the system's own buffers take is not ours to say.
    expect(sent).toBeLessThan(64)
    response.drop()
    http.close()
  })
})
