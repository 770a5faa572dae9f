// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { accessTo, clientFor, readAllOf, serve, status } from '../support/registry-fixture'
import { Repository, type Answer, type ScriptedServer } from '../support/scripted-registry'

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const content = Buffer.from('0123456789'.repeat(20_000))
const repository = new Repository()
const { digest } = repository.add(content)
const manifest = repository.addJson({}, MANIFEST, 'v1')

async function setUp(mirrored: Answer) {
  const mirror = await serve(mirrored)
  const server = await serve(repository.answer)
  const access = accessTo(server.host, { mirrors: { [server.host]: [`${mirror.origin}/hub`] } })
  return { mirror, server, ...clientFor(access) }
}
const urls = ({ asked }: ScriptedServer): string[] => asked.map(({ url }) => url)

describe('a mirror', () => {
  it('is asked in place of the registry, under its prefix', async () => {
    const { client, mirror, server } = await setUp(repository.answer)
    expect((await client.manifest('v1')).digest).toBe(manifest.digest)
    expect((await readAllOf(client.blob(digest, content.length))).equals(content)).toBe(true)
    expect(urls(mirror)).toEqual([
      '/v2/hub/acme/app/manifests/v1',
      `/v2/hub/acme/app/blobs/${digest}`,
    ])
    expect(urls(server)).toEqual([])
  })

  it('that does not have it is no reason to fail, nor to pass it by next time', async () => {
    const { client, mirror, server, waits } = await setUp(status(404))
    await client.manifest('v1')
    await client.smallBlob(digest, content.length)
    expect(urls(mirror)).toHaveLength(2)
    expect(urls(server)).toHaveLength(2)
    expect(waits).toEqual([])
  })

  it.each<[string, Answer]>([
    ['is broken', status(500)],
    ['is closed to us', status(403)],
    ['hangs up', (_, response) => void response.destroy()],
    ['lies', status(200, {}, '{"not":"it"}')],
  ])('that %s is tried once', async (_what, answer) => {
    const { client, mirror, server, waits } = await setUp(answer)
    expect((await client.manifest(manifest.digest)).digest).toBe(manifest.digest)
    await client.smallBlob(digest, content.length)
    expect(urls(mirror)).toHaveLength(1)
    expect(urls(server)).toHaveLength(2)
    expect(waits).toEqual([])
    expect(client.access.endpoints).toHaveLength(1)
  })

  it('that breaks off in a blob is continued by the registry', async () => {
    const { client, server } = await setUp((_, response) => {
      response.writeHead(200, { 'content-length': content.length })
      response.write(content.subarray(0, 100_000), () => setTimeout(() => response.destroy(), 20))
    })
    server.answer = (request, response) => {
      const start = Number(/[0-9]+/.exec(request.headers.range!)![0])
      const range = `bytes ${start}-${content.length - 1}/${content.length}`
      response.writeHead(206, { 'content-range': range }).end(content.subarray(start))
    }
    expect((await readAllOf(client.blob(digest, content.length))).equals(content)).toBe(true)
    expect(server.asked[0]!.headers.range).toMatch(/^bytes=[1-9][0-9]*-$/)
  })
})
