// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { parseChallenges } from '../../../../../src/main/image/registry/registry-auth'
import { clientOf, serve, status } from '../support/registry-fixture'
import { Repository, type Answer } from '../support/scripted-registry'

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'

const read = (header: string): [string, Record<string, string>][] =>
  parseChallenges(header).map(({ scheme, params }) => [scheme, Object.fromEntries(params)])

describe('a WWW-Authenticate header', () => {
  it.each<[string, [string, Record<string, string>][]]>([
    [
      'Bearer realm="https://a/t",service="s"',
      [['bearer', { realm: 'https://a/t', service: 's' }]],
    ],
    ['bearer Realm = "a, \\"b\\"" , scope=x', [['bearer', { realm: 'a, "b"', scope: 'x' }]]],
    [
      'Basic realm="x", Bearer realm="y"',
      [
        ['basic', { realm: 'x' }],
        ['bearer', { realm: 'y' }],
      ],
    ],
    [
      'Negotiate, Bearer scope="a:b:pull,push"',
      [
        ['negotiate', {}],
        ['bearer', { scope: 'a:b:pull,push' }],
      ],
    ],
    ['Bearer', [['bearer', {}]]],
    ['', []],
    ['"', []],
    ['Bearer realm="open', [['bearer', {}]]],
  ])('%j is read', (header, expected) => {
    expect(read(header)).toEqual(expected)
  })
})

describe('a registry that wants a token', () => {
  const challenge = (realm: string): string =>
    `Bearer realm="${realm}",service="the registry",scope="repository:acme/app:pull"`

  /** 401 without the token, then `next`. */
  const guarded =
    (realm: () => string, next: Answer): Answer =>
    (request, response) =>
      request.headers.authorization === 'Bearer abc'
        ? next(request, response)
        : void response.writeHead(401, { 'www-authenticate': challenge(realm()) }).end()

  it('gets one from where it says, once, for the scope it says', async () => {
    const repository = new Repository()
    repository.addJson({}, MANIFEST, 'v1')
    const tokens = await serve(status(200, {}, '{"token":"abc"}'))
    const server = await serve(guarded(() => `${tokens.origin}/token?x=1`, repository.answer))
    const { client } = clientOf(server)
    await client.manifest('v1')
    await client.manifest('v1')
    expect(tokens.asked).toHaveLength(1)
    const url = new URL(tokens.asked[0]!.url, tokens.origin)
    expect(Object.fromEntries(url.searchParams)).toEqual({
      x: '1',
      service: 'the registry',
      scope: 'repository:acme/app:pull',
    })
    expect(tokens.asked[0]!.headers.authorization).toBeUndefined()
    expect(client.access.endpoints[0]!.authorization?.header).toBe('Bearer abc')
  })

  it('gets a new one when the old one has expired', async () => {
    const repository = new Repository()
    repository.addJson({}, MANIFEST, 'v1')
    const tokens = await serve(status(200, {}, '{"access_token":"abc"}'))
    const server = await serve(guarded(() => tokens.origin, repository.answer))
    const { client } = clientOf(server, { authorization: { header: 'Bearer old' } })
    await client.manifest('v1')
    expect(server.asked.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer old',
      'Bearer abc',
    ])
  })

  it('and does not take it, denies the image', async () => {
    const tokens = await serve(status(200, {}, '{"token":"other"}'))
    const server = await serve(guarded(() => tokens.origin, status(200)))
    await expect(clientOf(server).client.manifest('v1')).rejects.toMatchObject({
      code: 'REGISTRY_DENIED',
    })
    expect(server.asked).toHaveLength(2)
  })

  it('but gives none to anyone, or wants a password, denies the image', async () => {
    const tokens = await serve(status(401))
    const server = await serve(guarded(() => tokens.origin, status(200)))
    await expect(clientOf(server).client.manifest('v1')).rejects.toMatchObject({
      code: 'REGISTRY_DENIED',
    })
    server.answer = status(401, { 'www-authenticate': 'Basic realm="x"' })
    await expect(clientOf(server).client.manifest('v1')).rejects.toMatchObject({
      code: 'REGISTRY_DENIED',
    })
  })

  it.each([
    'http://tokens.example/',
    'ftp://tokens.example/',
    'https://user:pw@tokens.example/',
    '/token',
    '',
  ])('is not followed to %j', async (realm) => {
    const server = await serve(status(401, { 'www-authenticate': challenge(realm) }))
    await expect(clientOf(server).client.manifest('v1')).rejects.toMatchObject({
      code: 'REGISTRY_ERROR',
    })
  })

  it.each(['', '[]', '{"token":5}', '{"token":"a\\r\\nevil: 1"}', '{}'])(
    'is refused when the token is %j',
    async (body) => {
      const tokens = await serve(status(200, {}, body))
      const server = await serve(guarded(() => tokens.origin, status(200)))
      await expect(clientOf(server).client.manifest('v1')).rejects.toMatchObject({
        code: 'REGISTRY_ERROR',
      })
    },
  )
})
