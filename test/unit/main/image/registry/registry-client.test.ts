// SPDX-License-Identifier: Apache-2.0
import type { ServerResponse } from 'node:http'
import { describe, expect, it } from 'vitest'
import type { RegistryClient } from '../../../../../src/main/image/registry/registry-client'
import { clientOf, inTurn, readAllOf, serve, status } from '../support/registry-fixture'
import { Repository } from '../support/scripted-registry'
import { sha256 } from '../support/tar-bytes'

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const content = Buffer.from('0123456789'.repeat(20_000))
const digest = sha256(content)
const readBlob = (client: RegistryClient, size = content.length): Promise<Buffer> =>
  readAllOf(client.blob(digest, size))

const cutOff = (response: ServerResponse, bytes: Buffer): void => {
  response.writeHead(200, { 'content-length': content.length })
  response.write(bytes, () => response.destroy())
}

describe('fetching a manifest', () => {
  it('asks for every known kind and tells the digest of what came', async () => {
    const repository = new Repository()
    const { digest: expected } = repository.addJson({ a: 1 }, MANIFEST, 'v1')
    const server = await serve(repository.answer)
    const manifest = await clientOf(server).client.manifest('v1')
    expect(manifest).toMatchObject({ digest: expected, mediaType: MANIFEST })
    expect(server.asked[0]).toMatchObject({ url: '/v2/acme/app/manifests/v1' })
    for (const kind of ['image.index.v1', 'image.manifest.v1', 'manifest.list.v2', 'manifest.v2'])
      expect(server.asked[0]!.headers.accept).toContain(kind)
    expect(server.asked[0]!.headers.authorization).toBeUndefined()
  })

  it('refuses one that is not of the digest asked for, or told', async () => {
    const server = await serve(status(200, {}, '{}'))
    const { client } = clientOf(server)
    await expect(client.manifest(digest)).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' })
    server.answer = status(200, { 'docker-content-digest': digest }, '{}')
    await expect(client.manifest('v1')).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' })
  })

  it('refuses one beyond 4 MiB without reading on', async () => {
    const server = await serve(status(200, {}, 'x'.repeat(4 * 1024 * 1024 + 1)))
    await expect(clientOf(server).client.manifest('v1')).rejects.toMatchObject({
      code: 'IMAGE_TOO_LARGE',
    })
  })

  it.each([
    [404, 'IMAGE_NOT_FOUND'],
    [403, 'REGISTRY_DENIED'],
    [400, 'REGISTRY_ERROR'],
    [418, 'REGISTRY_ERROR'],
  ])('fails at once on status %i', async (code, expected) => {
    const body = '{"errors":[{"code":"X","message":"because \\u001b[31mof\\u202e this"}]}'
    const server = await serve(status(code, {}, body))
    const failed = clientOf(server).client.manifest('v1')
    await expect(failed).rejects.toMatchObject({ code: expected })
    const { message } = await failed.then(
      () => new Error('not refused'),
      (error: Error) => error,
    )
    for (const hidden of ['\u001b', '\u202e']) expect(message).not.toContain(hidden)
    expect(server.asked).toHaveLength(1)
  })
})

describe('a registry that is busy', () => {
  it.each([408, 429, 499, 500, 503, 522])('is asked again after status %i', async (code) => {
    const repository = new Repository()
    repository.addJson({}, MANIFEST, 'v1')
    const server = await serve(inTurn(status(code), status(code), repository.answer))
    const { client, waits } = clientOf(server)
    await client.manifest('v1')
    expect(waits).toHaveLength(2)
  })

  it('is waited for as long as it says', async () => {
    const repository = new Repository()
    repository.addJson({}, MANIFEST, 'v1')
    const server = await serve(inTurn(status(429, { 'retry-after': '3' }), repository.answer))
    const { client, waits } = clientOf(server)
    await client.manifest('v1')
    expect(waits).toEqual([3000])
  })

  it('is given up after five tries', async () => {
    const server = await serve(status(503))
    await expect(clientOf(server).client.manifest('v1')).rejects.toMatchObject({
      code: 'REGISTRY_ERROR',
      message: expect.stringContaining('503') as string,
    })
    expect(server.asked).toHaveLength(5)
  })

  it('that hangs up is asked again, one that is not there is told of', async () => {
    const repository = new Repository()
    repository.addJson({}, MANIFEST, 'v1')
    const server = await serve(inTurn((_, response) => response.destroy(), repository.answer))
    await clientOf(server).client.manifest('v1')
    expect(server.asked).toHaveLength(2)
    await server.close()
    const { client, waits } = clientOf(server)
    await expect(client.manifest('v1')).rejects.toMatchObject({ code: 'REGISTRY_UNREACHABLE' })
    expect(waits).toHaveLength(4)
  })

  it('is left at once when the caller cancels', async () => {
    const server = await serve(() => undefined)
    const cancelling = new AbortController()
    const failed = clientOf(server).client.manifest('v1', cancelling.signal)
    setTimeout(() => cancelling.abort(), 20)
    await expect(failed).rejects.toMatchObject({ code: 'CANCELLED' })
  })
})

describe('streaming a blob', () => {
  it('goes on where a connection broke', async () => {
    const server = await serve(
      inTurn(
        (_, response) => cutOff(response, content.subarray(0, 100_000)),
        (request, response) => {
          const start = Number(/^bytes=([0-9]+)-$/.exec(request.headers.range!)![1])
          const range = `bytes ${start}-${content.length - 1}/${content.length}`
          response.writeHead(206, { 'content-range': range }).end(content.subarray(start))
        },
      ),
    )
    const { client } = clientOf(server)
    expect((await readBlob(client)).equals(content)).toBe(true)
    expect(server.asked).toHaveLength(2)
  })

  it('skips what it has when the server knows no ranges', async () => {
    const server = await serve(
      inTurn(
        (_, response) => cutOff(response, content.subarray(0, 100_000)),
        status(200, {}, content.toString()),
      ),
    )
    expect((await readBlob(clientOf(server).client)).equals(content)).toBe(true)
  })

  it('refuses a part it has not asked for', async () => {
    const server = await serve(
      inTurn(
        (_, response) => cutOff(response, content.subarray(0, 100_000)),
        status(206, { 'content-range': 'bytes 0-9/10' }, '0123456789'),
      ),
    )
    await expect(readBlob(clientOf(server).client)).rejects.toMatchObject({
      code: 'REGISTRY_ERROR',
    })
  })

  it('counts failures anew when a connection has brought something', async () => {
    let start = 0
    const server = await serve((request, response) => {
      start = Number(/[0-9]+/.exec(request.headers.range ?? '0')![0])
      const range = `bytes ${start}-${content.length - 1}/${content.length}`
      response.writeHead(start === 0 ? 200 : 206, {
        'content-range': range,
        'content-length': content.length - start,
      })
      const part = content.subarray(start, start + 66_000)
      if (start + 66_000 >= content.length) response.end(part)
      else response.write(part, () => setTimeout(() => response.destroy(), 20))
    })
    expect((await readBlob(clientOf(server).client)).equals(content)).toBe(true)
  })

  it('gives up a server that never sends it whole', async () => {
    const server = await serve((_, response) => cutOff(response, content.subarray(0, 100)))
    const { client, waits } = clientOf(server)
    await expect(readBlob(client)).rejects.toMatchObject({ code: 'REGISTRY_UNREACHABLE' })
    expect(waits).toHaveLength(4)
    server.answer = status(200, {}, 'short')
    await expect(readBlob(clientOf(server).client)).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
    })
  })

  it('ends when more comes than the manifest says', async () => {
    const server = await serve(status(200, {}, content.toString()))
    await expect(readBlob(clientOf(server).client, 1000)).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
    })
    expect(server.asked).toHaveLength(1)
  })

  it('of a digest that is not there says so', async () => {
    const server = await serve(status(404))
    await expect(readBlob(clientOf(server).client)).rejects.toMatchObject({
      code: 'IMAGE_NOT_FOUND',
    })
  })
})

describe('a small blob', () => {
  it('is checked against its digest and its bound', async () => {
    const server = await serve(status(200, {}, content.toString()))
    const { client } = clientOf(server)
    expect((await client.smallBlob(digest, content.length)).equals(content)).toBe(true)
    await expect(client.smallBlob(sha256(Buffer.from('x')), content.length)).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
    })
    await expect(client.smallBlob(digest, 100)).rejects.toMatchObject({ code: 'IMAGE_TOO_LARGE' })
  })
})
