// SPDX-License-Identifier: Apache-2.0
// Who gets to see a credential, and who does not, against scripted registries and token servers.
import type { IncomingMessage } from 'node:http'
import { describe, expect, it } from 'vitest'
import type { Credential } from '../../../../../src/main/image/registry/credentials'
import { mayGetPassword } from '../../../../../src/main/image/registry/registry-auth'
import { createRegistryLogins } from '../../../../../src/main/image/registry/registry-logins'
import { networkSettings } from '../../../../../src/main/image/registry/registry-network'
import { accessTo, clientFor, clientOf, inTurn, serve, status } from '../support/registry-fixture'
import { Repository, type Answer, type Asked } from '../support/scripted-registry'

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const anna: Credential = { kind: 'password', username: 'anna', password: 'p:w' }
const basic = `Basic ${Buffer.from('anna:p:w').toString('base64')}`
const repository = new Repository()
repository.addJson({}, MANIFEST, 'v1')

/** 401 with `challenge` unless the header is `wanted`. */
const guarded =
  (wanted: string, challenge: () => string, next: Answer = repository.answer): Answer =>
  (request, response) =>
    request.headers.authorization === wanted
      ? next(request, response)
      : void response.writeHead(401, { 'www-authenticate': challenge() }).end()
const bearer = (realm: string): string =>
  `Bearer realm="${realm}",service="reg",scope="repository:acme/app:pull"`
const signedIn = (credential: Credential) => ({ credentials: { find: async () => credential } })
const sent = (asked: readonly Asked[]): unknown[] =>
  asked.map(({ headers }) => headers.authorization)

const readBody = async (request: IncomingMessage): Promise<string> => {
  const chunks = await request.toArray()
  return Buffer.concat(chunks as Buffer[]).toString()
}

describe('a login', () => {
  it('goes to a registry that asks for it in the basic scheme, and not before it asks', async () => {
    const server = await serve(guarded(basic, () => 'Basic realm="r"'))
    const { client } = clientOf(server, {}, signedIn(anna))
    await client.manifest('v1')
    await client.manifest('v1')
    expect(sent(server.asked)).toEqual([undefined, basic, basic])
  })

  it('goes to the token server at the registry’s own host; the registry sees the token only', async () => {
    const server = await serve((request, response) =>
      request.url!.startsWith('/token')
        ? void response.end('{"token":"abc"}')
        : guarded('Bearer abc', () => bearer(`${server.origin}/token`))(request, response),
    )
    await clientOf(server, {}, signedIn(anna)).client.manifest('v1')
    expect(sent(server.asked)).toEqual([undefined, basic, 'Bearer abc'])
    const url = new URL(server.asked[1]!.url, server.origin)
    expect(Object.fromEntries(url.searchParams)).toEqual({
      service: 'reg',
      scope: 'repository:acme/app:pull',
      account: 'anna',
    })
  })

  it('does not go to a token server elsewhere, which is asked as anyone would', async () => {
    const elsewhere = await serve(status(401))
    const server = await serve(guarded('Bearer abc', () => bearer(`${elsewhere.origin}/token`)))
    const failed = clientOf(server, {}, signedIn(anna)).client.manifest('v1')
    await expect(failed).rejects.toMatchObject({
      code: 'REGISTRY_DENIED',
      hint: expect.stringContaining(elsewhere.host) as string,
    })
    expect(sent(elsewhere.asked)).toEqual([undefined])
    expect(elsewhere.asked[0]!.url).not.toContain('anna')
    elsewhere.answer = status(200, {}, '{"token":"abc"}')
    await clientOf(server, {}, signedIn(anna)).client.manifest('v1')
    expect(sent(elsewhere.asked)).toEqual([undefined, undefined])
  })

  it('with an identity token sends that in a form, to the registry’s own host only', async () => {
    const forms: string[] = []
    const identity: Credential = { kind: 'identity', token: 'id-token' }
    const server = await serve((request, response) => {
      if (request.method === 'POST')
        void readBody(request).then((text) => {
          forms.push(text)
          response.end('{"access_token":"abc"}')
        })
      else guarded('Bearer abc', () => bearer(`${server.origin}/token`))(request, response)
    })
    await clientOf(server, {}, signedIn(identity)).client.manifest('v1')
    expect(Object.fromEntries(new URLSearchParams(forms[0]))).toEqual({
      grant_type: 'refresh_token',
      refresh_token: 'id-token',
      client_id: 'microvm-desktop',
      service: 'reg',
      scope: 'repository:acme/app:pull',
    })
    const elsewhere = await serve(status(401))
    server.answer = guarded('Bearer abc', () => bearer(`${elsewhere.origin}/token`))
    const failed = clientOf(server, {}, signedIn(identity)).client.manifest('v1')
    await expect(failed).rejects.toMatchObject({ code: 'REGISTRY_DENIED' })
    expect(elsewhere.asked[0]!.url).not.toContain('id-token')
    expect(sent(elsewhere.asked)).toEqual([undefined])
  })

  it('does not follow a redirect of the registry or of its token server', async () => {
    const elsewhere = await serve(
      status(401, { 'www-authenticate': 'Basic realm="give it to me"' }),
    )
    const server = await serve(
      guarded(basic, () => 'Basic realm="r"', status(307, { location: `${elsewhere.origin}/x` })),
    )
    const failed = clientOf(server, {}, signedIn(anna)).client.manifest('v1')
    await expect(failed).rejects.toMatchObject({ code: 'REGISTRY_DENIED' })
    expect(sent(elsewhere.asked)).toEqual([undefined])
    server.answer = (request, response) =>
      request.url!.startsWith('/token')
        ? status(307, { location: `${elsewhere.origin}/y` })(request, response)
        : guarded('Bearer abc', () => bearer(`${server.origin}/token`))(request, response)
    await expect(clientOf(server, {}, signedIn(anna)).client.manifest('v1')).rejects.toMatchObject({
      code: 'REGISTRY_DENIED',
    })
    expect(sent(elsewhere.asked)).toEqual([undefined, undefined])
  })

  it('that is refused is told of, once', async () => {
    const server = await serve(status(401, { 'www-authenticate': 'Basic realm="r"' }))
    const failed = clientOf(server, {}, signedIn(anna)).client.manifest('v1')
    await expect(failed).rejects.toMatchObject({ code: 'REGISTRY_DENIED' })
    expect(server.asked).toHaveLength(2)
  })

  it('that cannot be read is told of only where one is needed', async () => {
    const find = async (): Promise<never> => Promise.reject(new Error('key ring is locked'))
    const server = await serve(repository.answer)
    await clientOf(server, {}, { credentials: { find } }).client.manifest('v1')
    server.answer = status(401, { 'www-authenticate': 'Basic realm="r"' })
    const failed = clientOf(server, {}, { credentials: { find } }).client.manifest('v1')
    await expect(failed).rejects.toMatchObject({
      hint: expect.stringContaining('key ring is locked') as string,
    })
  })

  it('of a registry is not that of its mirror', async () => {
    const mirror = await serve(status(401, { 'www-authenticate': 'Basic realm="r"' }))
    const server = await serve(repository.answer)
    const asked: string[] = []
    const credentials = {
      find: async (registry: string) => {
        asked.push(registry)
        return registry === server.host ? anna : undefined
      },
    }
    const access = accessTo(server.host, { mirrors: { [server.host]: [mirror.origin] } })
    await clientFor(access, { credentials }).client.manifest('v1')
    expect(asked).toEqual([mirror.host])
    expect(sent(mirror.asked)).toEqual([undefined])
  })
})

describe('a token', () => {
  it('is used as long as it lives, and got anew after that', async () => {
    let now = 1_000_000
    let made = 0
    const server = await serve((request, response) =>
      request.url!.startsWith('/token')
        ? void response.end(JSON.stringify({ token: `t${++made}`, expires_in: 300 }))
        : guarded(`Bearer t${made}`, () => bearer(`${server.origin}/token`))(request, response),
    )
    const { client } = clientOf(server, {}, { now: () => now })
    await client.manifest('v1')
    now += 200_000
    await client.manifest('v1')
    expect(made).toBe(1)
    now += 100_000
    await client.manifest('v1')
    expect(made).toBe(2)
    expect(sent(server.asked)).not.toContain('Bearer t0')
  })

  it('that the registry takes no longer is got anew once', async () => {
    const server = await serve((request, response) =>
      request.url!.startsWith('/token')
        ? void response.end('{"token":"new"}')
        : void response
            .writeHead(401, { 'www-authenticate': bearer(`${server.origin}/token`) })
            .end(),
    )
    const old = { authorization: { header: 'Bearer old' } }
    await expect(clientOf(server, old).client.manifest('v1')).rejects.toMatchObject({
      code: 'REGISTRY_DENIED',
    })
    expect(sent(server.asked)).toEqual(['Bearer old', undefined, 'Bearer new'])
  })
})

describe('a token server', () => {
  const may = (realm: string, registry: string, tokenHosts: string[] = []): boolean =>
    mayGetPassword(new URL(realm), new URL(registry), tokenHosts)

  it.each([
    ['https://auth.docker.io/token', 'https://registry-1.docker.io'],
    ['https://gitlab.com/jwt/auth', 'https://registry.gitlab.com'],
    ['https://ghcr.io/token', 'https://ghcr.io'],
    ['https://reg.example:8443/token', 'https://reg.example'],
    ['https://auth.reg.co.uk/token', 'https://reg.co.uk'],
    ['http://localhost:5000/token', 'http://localhost:5000'],
    ['http://reg.lan:5000/token', 'http://reg.lan:5000'],
  ])('%s may have the password for %s', (realm, registry) => {
    expect(may(realm, registry)).toBe(true)
  })

  it.each([
    ['https://evil.example/token', 'https://registry.example.org'],
    ['https://auth.docker.io/token', 'https://evil.example'],
    ['https://notdocker.io/token', 'https://registry-1.docker.io'],
    ['https://auth.evil.co.uk/token', 'https://registry.good.co.uk'],
    ['https://10.0.0.1/token', 'https://11.0.0.1'],
    ['http://localhost:6000/token', 'http://localhost:5000'],
    ['https://auth.reg.lan/token', 'http://reg.lan:5000'],
    ['http://reg.example/token', 'https://reg.example'],
  ])('%s may not have the password for %s', (realm, registry) => {
    expect(may(realm, registry)).toBe(false)
  })

  it('elsewhere may have it if the user has named it', () => {
    const [realm, registry] = ['https://api.scaleway.example/x', 'https://rg.scw.example.org']
    expect(may(realm, registry, ['api.scaleway.example'])).toBe(true)
    expect(may(realm, registry, ['other.example'])).toBe(false)
    expect(may('http://api.scaleway.example/x', registry, ['api.scaleway.example'])).toBe(false)
  })
})

describe('signing in', () => {
  const setUp = (saves = true) => {
    const kept = new Map<string, string>()
    const store = {
      find: async () => undefined,
      list: async () => [...kept].map(([registry, username]) => ({ registry, username })),
      save: async (registry: string, { username }: { username: string }) => {
        kept.set(registry, username)
        return saves
      },
      remove: async (registry: string) => kept.delete(registry),
    }
    const logins = createRegistryLogins({
      stores: [{ keeper: 'app', store }],
      network: networkSettings({}),
      settings: async () => ({ mirrors: {}, plainHttp: [], tokenHosts: {} }),
    })
    return { kept, logins }
  }

  it('keeps a login that the registry takes', async () => {
    const server = await serve(guarded(basic, () => 'Basic realm="r"', status(200)))
    const { kept, logins } = setUp()
    const request = { registry: server.host, username: 'anna', password: 'p:w' }
    expect(await logins.login(request)).toEqual({
      registry: server.host,
      username: 'anna',
      keeper: 'app',
      lasting: true,
    })
    expect(server.asked.map(({ url }) => url)).toEqual(['/v2/', '/v2/'])
    expect([...kept]).toEqual([[server.host, 'anna']])
    expect(await logins.logout(`http://${server.host}/v2/`)).toBe(true)
    expect(await logins.list()).toEqual([])
  })

  it('keeps none that it refuses, and says so', async () => {
    const server = await serve(
      inTurn(status(401, { 'www-authenticate': 'Basic realm="r"' }), status(403)),
    )
    const { kept, logins } = setUp()
    const request = { registry: server.host, username: 'anna', password: 'wrong' }
    await expect(logins.login(request)).rejects.toMatchObject({ code: 'REGISTRY_DENIED' })
    expect(kept.size).toBe(0)
  })

  it('says when a login will be forgotten', async () => {
    const server = await serve(status(200))
    const { logins } = setUp(false)
    await logins.login({ registry: server.host, username: 'anna', password: 'p' })
    expect(await logins.list()).toMatchObject([{ username: 'anna', lasting: false }])
  })

  it.each(['', 'debian', 'a b', 'ghcr.io/acme', '../x', 'https://'])(
    'refuses %j, which is no registry',
    async (registry) => {
      const { logins } = setUp()
      await expect(
        logins.login({ registry, username: 'anna', password: 'p' }),
      ).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    },
  )

  it('refuses a login without a name or a password', async () => {
    const { logins } = setUp()
    for (const [username, password] of [
      ['', 'p'],
      ['a:b', 'p'],
      ['anna', ''],
    ] as const)
      await expect(
        logins.login({ registry: 'reg.example', username, password }),
      ).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })
})
