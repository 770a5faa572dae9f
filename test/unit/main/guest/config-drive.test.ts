// SPDX-License-Identifier: Apache-2.0
import { generateKeyPairSync } from 'node:crypto'
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

  it('refuses a word that a NUL would cut short', () => {
    expect(() => configDriveEntries(config({ argv: ['a\0b'] }))).toThrow(/NUL/)
  })
})

describe('a host key in dropbear’s format', () => {
  it('is two strings, the point, and a positive number as short as can be', () => {
    for (let i = 0; i < 300; i++) {
      const key = dropbearKey(newKey())
      const parts: Buffer[] = []
      for (let at = 0; at < key.length;) {
        const end = at + 4 + key.readUInt32BE(at)
        parts.push(key.subarray(at + 4, end))
        at = end
      }
      expect(parts.map(String).slice(0, 2)).toEqual(['ecdsa-sha2-nistp256', 'nistp256'])
      expect(parts[2]).toHaveLength(65)
      const [first, second] = parts[3]!
      expect(first! < 0x80 && !(first === 0 && second! < 0x80)).toBe(true)
    }
  })
})
