// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { parseReference } from '../../../../../src/main/image/reference'
import { registryAccess } from '../../../../../src/main/image/registry/registry-access'
import { networkSettings } from '../../../../../src/main/image/registry/registry-network'
import type { RegistrySettings } from '../../../../../src/main/image/registry/registry-settings'

const network = networkSettings({})
const endpointsOf = (name: string, settings: Partial<RegistrySettings> = {}) =>
  registryAccess(
    parseReference(name),
    { mirrors: {}, plainHttp: [], tokenHosts: {}, ...settings },
    network,
  ).endpoints

describe('the address of a registry', () => {
  it.each([
    ['debian', 'https://registry-1.docker.io', 'library/debian', 'docker.io'],
    ['ghcr.io/a/b', 'https://ghcr.io', 'a/b', 'ghcr.io'],
    ['10.0.0.1:5000/a', 'https://10.0.0.1:5000', 'a', '10.0.0.1:5000'],
    ['localhost:5000/a', 'http://localhost:5000', 'a', 'localhost:5000'],
    ['127.0.0.2/a', 'http://127.0.0.2', 'a', '127.0.0.2'],
    ['[::1]:5000/a', 'http://[::1]:5000', 'a', '[::1]:5000'],
    ['127.0.0.1.example.com/a', 'https://127.0.0.1.example.com', 'a', '127.0.0.1.example.com'],
  ])('of %s is %s', (name, origin, repository, registry) => {
    expect(endpointsOf(name)).toEqual([{ origin, repository, registry, tokenHosts: [] }])
  })

  it('with a port that cannot be is refused', () => {
    expect(() => endpointsOf('host:99999/a')).toThrow(
      expect.objectContaining({ code: 'REFERENCE_INVALID' }),
    )
  })

  it('is plain HTTP where the user wants it, for that host and port only', () => {
    const settings = { plainHttp: ['reg.lan:5000'] }
    expect(endpointsOf('reg.lan:5000/a', settings)[0]!.origin).toBe('http://reg.lan:5000')
    expect(endpointsOf('reg.lan/a', settings)[0]!.origin).toBe('https://reg.lan')
    expect(endpointsOf('other.lan:5000/a', settings)[0]!.origin).toBe('https://other.lan:5000')
  })
})

describe('mirrors', () => {
  const mirrors = { 'docker.io': ['https://mirror.example', 'https://cache.example/hub/'] }

  it('are asked before the registry, under names and logins of their own', () => {
    expect(
      endpointsOf('debian', { mirrors, tokenHosts: { 'mirror.example': ['t.example'] } }),
    ).toEqual([
      {
        origin: 'https://mirror.example',
        repository: 'library/debian',
        registry: 'mirror.example',
        tokenHosts: ['t.example'],
      },
      {
        origin: 'https://cache.example',
        repository: 'hub/library/debian',
        registry: 'cache.example',
        tokenHosts: [],
      },
      {
        origin: 'https://registry-1.docker.io',
        repository: 'library/debian',
        registry: 'docker.io',
        tokenHosts: [],
      },
    ])
  })

  it('of one registry are not those of another', () => {
    expect(endpointsOf('ghcr.io/a/b', { mirrors })).toHaveLength(1)
  })

  it('without encryption are refused unless they are wanted so, or on this computer', () => {
    const plain = { 'docker.io': ['http://mirror.lan:5000'] }
    expect(() => endpointsOf('debian', { mirrors: plain })).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
    )
    expect(endpointsOf('debian', { mirrors: plain, plainHttp: ['mirror.lan:5000'] })).toHaveLength(
      2,
    )
    expect(
      endpointsOf('debian', { mirrors: { 'docker.io': ['http://localhost:5000'] } }),
    ).toHaveLength(2)
  })
})
