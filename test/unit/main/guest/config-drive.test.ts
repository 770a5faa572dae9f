// SPDX-License-Identifier: Apache-2.0
import { createECDH, createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import {
  configDriveEntries,
  dropbearKey,
  type GuestConfig,
} from '../../../../src/main/guest/config-drive'

const newKey = (): string =>
  generateKeyPairSync('ec', { namedCurve: 'P-256' })
    .privateKey.export({ type: 'sec1', format: 'pem' })
    .toString()

const config = (change: Partial<GuestConfig> = {}): GuestConfig => ({
  hostname: 'api',
  authorizedKeys: ['ecdsa-sha2-nistp256 AAAA ours'],
  hostKey: newKey(),
  env: ['PATH=/bin', 'EMPTY='],
  argv: ['sh', '-c', 'echo "a b"', ''],
  workdir: '/srv',
  user: '1000:1000',
  stopSignal: 15,
  stopGraceMs: 10_000,
  tmpMib: 256,
  network: {
    address: '192.168.127.2',
    prefix: 24,
    gateway: '192.168.127.1',
    dns: '192.168.127.1',
    mtu: 1500,
  },
  shares: [],
  disks: [],
  files: [],
  ...change,
})

function text(entries: ReturnType<typeof configDriveEntries>, path: string): string {
  const entry = entries.find((one) => one.path === path)
  return Buffer.from(entry?.content ?? []).toString()
}

describe('the config drive', () => {
  it('has every value in a file of its own, lists as words that end with NUL', () => {
    const entries = configDriveEntries(config())
    expect(text(entries, 'version')).toBe('1')
    expect(text(entries, 'hostname')).toBe('api')
    expect(text(entries, 'env')).toBe('PATH=/bin\0EMPTY=\0')
    expect(text(entries, 'argv')).toBe('sh\0-c\0echo "a b"\0\0')
    expect(text(entries, 'network/prefix')).toBe('24')
    expect(text(entries, 'authorized-keys')).toBe('ecdsa-sha2-nistp256 AAAA ours\n')
  })

  it('says by an empty list that the machine idles', () => {
    expect(text(configDriveEntries(config({ argv: [] })), 'argv')).toBe('')
  })

  it('is for root’s eyes only', () => {
    const entries = configDriveEntries(config())
    expect(entries.filter(({ type, mode }) => type === 'file' && mode !== 0o600)).toEqual([])
    expect(entries[0]).toMatchObject({ path: '', mode: 0o700 })
  })

  it('carries files with their owner and mode', () => {
    const content = Buffer.from('hello')
    const file = { path: '/etc/motd', content, mode: 0o640, uid: 1, gid: 2 }
    expect(configDriveEntries(config({ files: [file] }))).toContainEqual({
      ...file,
      type: 'file',
      path: 'files/etc/motd',
    })
  })

  it('numbers shared folders from 0', () => {
    const entries = configDriveEntries(
      config({
        shares: [
          { tag: 'share-0', target: '/work', readOnly: false },
          { tag: 'share-1', target: '/mnt/ünï', readOnly: true },
        ],
      }),
    )
    const shares = entries.filter(({ path }) => path.startsWith('shares/'))
    expect(shares.map(({ path }) => [path, text(shares, path)])).toEqual([
      ['shares/0/tag', 'share-0'],
      ['shares/0/target', '/work'],
      ['shares/0/read-only', '0'],
      ['shares/1/tag', 'share-1'],
      ['shares/1/target', '/mnt/ünï'],
      ['shares/1/read-only', '1'],
    ])
  })

  it('says where each extra disk is, and where it is to be mounted', () => {
    const entries = configDriveEntries(
      config({
        disks: [
          { device: 'vdc', sectors: 5_368_709_120, readOnly: true },
          { device: 'vdd', sectors: 1, readOnly: false, target: '/data' },
        ],
      }),
    )
    const disks = entries.filter(({ path }) => path.startsWith('disks/'))
    expect(disks.map(({ path }) => [path, text(disks, path)])).toEqual([
      ['disks/0/device', 'vdc'],
      ['disks/0/sectors', '5368709120'],
      ['disks/0/read-only', '1'],
      ['disks/0/target', ''],
      ['disks/1/device', 'vdd'],
      ['disks/1/sectors', '1'],
      ['disks/1/read-only', '0'],
      ['disks/1/target', '/data'],
    ])
  })

  it('refuses a word that a NUL would cut short', () => {
    expect(() => configDriveEntries(config({ argv: ['a\0b'] }))).toThrow(/NUL/)
  })
})

/** The P-256 private key with this secret number, as PEM. */
function keyWith(secret: string): string {
  const pair = createECDH('prime256v1')
  pair.setPrivateKey(secret, 'hex')
  const point = pair.getPublicKey()
  const encode = (bytes: Buffer): string => bytes.toString('base64url')
  const [x, y] = [encode(point.subarray(1, 33)), encode(point.subarray(33))]
  const jwk = { kty: 'EC', crv: 'P-256', x, y, d: encode(Buffer.from(secret, 'hex')) }
  return createPrivateKey({ key: jwk, format: 'jwk' })
    .export({ type: 'sec1', format: 'pem' })
    .toString()
}

/** The strings a dropbear key is made of (RFC 4251, section 5). */
function strings(key: Buffer): Buffer[] {
  if (key.length === 0) return []
  const end = 4 + key.readUInt32BE(0)
  return [key.subarray(4, end), ...strings(key.subarray(end))]
}

describe('a host key in dropbear’s format', () => {
  it('is what dropbearconvert makes of the same key', () => {
    const key = keyWith('99799681ba6c28cd5fca520f304c45c6be8dcb3c3f8dbf705e5a71f7a1d3980e')
    expect(dropbearKey(key).toString('base64')).toBe(
      'AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBCn14TvMiV6AKZZ6KU5h88ldCK513sSdTebD' +
        'D46q2OD6nLYkHCw4BSWPUmIWk3v3jLyomFHHD6ecpQCzinpmR+wAAAAhAJl5loG6bCjNX8pSDzBMRca+jcs8P42/' +
        'cF5acfeh05gO',
    )
  })

  it.each([
    ['00007f', '7f'],
    ['000080', '0080'],
    ['ff', '00ff'],
    ['01', '01'],
  ])('has its secret number %s… as short as can be, and positive', (start, expected) => {
    const rest = '11'.repeat(32 - start.length / 2)
    const parts = strings(dropbearKey(keyWith(start + rest)))
    expect(parts.map(String).slice(0, 2)).toEqual(['ecdsa-sha2-nistp256', 'nistp256'])
    expect(parts[3]!.toString('hex')).toBe(expected + rest)
  })

  it('is made of no other kind of key', () => {
    const other = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey
    expect(() => dropbearKey(other.export({ type: 'sec1', format: 'pem' }).toString())).toThrow(
      /P-256/,
    )
  })
})
