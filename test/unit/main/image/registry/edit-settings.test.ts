// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { RegistrySetting } from '../../../../../src/contract/registries'
import {
  createRegistrySettingsEditor,
  type RegistrySettingsEditor,
} from '../../../../../src/main/image/registry/edit-settings'
import { readRegistrySettings } from '../../../../../src/main/image/registry/registry-settings'

let dir: string
let path: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'edit-settings-'))
  path = join(dir, 'registries.json')
})
afterEach(() => rmSync(dir, { recursive: true }))

const editor = (env: NodeJS.ProcessEnv = {}): RegistrySettingsEditor =>
  createRegistrySettingsEditor({ path, lockPath: join(dir, 'lock'), env })
const mirror = (registry: string, address: string): RegistrySetting => ({
  kind: 'mirror',
  registry,
  address,
})
const plain = (registry: string): RegistrySetting => ({ kind: 'plain-http', registry })

describe('what is set about registries', () => {
  it('is added, listed, used and removed', async () => {
    const settings = editor()
    expect(await settings.list()).toEqual([])
    await settings.add(plain('registry.lan:5000'))
    await settings.add(mirror('docker.io', 'https://one.example/hub/'))
    await settings.add(mirror('index.docker.io', 'two.example'))
    await settings.add(mirror('ghcr.io', 'http://registry.lan:5000'))
    expect(await settings.list()).toEqual([
      { ...mirror('docker.io', 'https://one.example/hub'), fromEnvironment: false },
      { ...mirror('docker.io', 'https://two.example'), fromEnvironment: false },
      { ...mirror('ghcr.io', 'http://registry.lan:5000'), fromEnvironment: false },
      { ...plain('registry.lan:5000'), fromEnvironment: false },
    ])
    expect(await readRegistrySettings(path, {})).toMatchObject({
      mirrors: { 'docker.io': ['https://one.example/hub', 'https://two.example'] },
      plainHttp: ['registry.lan:5000'],
    })
    await settings.remove(mirror('docker.io', 'https://one.example/hub'))
    await settings.remove(mirror('ghcr.io', 'http://registry.lan:5000'))
    await settings.remove(plain('registry.lan:5000'))
    await settings.remove(plain('never.there'))
    expect(await readRegistrySettings(path, {})).toEqual({
      mirrors: { 'docker.io': ['https://two.example'] },
      plainHttp: [],
      tokenHosts: {},
    })
  })

  it('says whether daemons are asked: yes, until one says no; the environment before the file', async () => {
    expect(await editor().daemons()).toEqual({ isAsked: true, fromEnvironment: false })
    await editor().add(plain('registry.lan:5000'))
    await editor().askDaemons(false)
    expect(await editor().daemons()).toEqual({ isAsked: false, fromEnvironment: false })
    expect(await readRegistrySettings(path, {})).toMatchObject({
      daemons: false,
      plainHttp: ['registry.lan:5000'],
    })
    const forced = editor({ MICROVM_DAEMONS: '1' })
    expect(await forced.daemons()).toEqual({ isAsked: true, fromEnvironment: true })
  })

  it('keeps what else is in the file, and loses nothing when two change it at once', async () => {
    const tokenHosts = { 'r.example': ['t.example'] }
    writeFileSync(path, JSON.stringify({ tokenHosts }))
    const names = Array.from({ length: 8 }, (_, index) => `host-${index}.lan`)
    await Promise.all(names.map((name) => editor().add(plain(name))))
    const file = JSON.parse(readFileSync(path, 'utf8')) as { plainHttp: string[] }
    expect(file).toMatchObject({ tokenHosts })
    expect(file.plainHttp.toSorted()).toEqual(names)
  })

  it('shows the environment’s first, and never writes them', async () => {
    const settings = editor({
      MICROVM_REGISTRY_MIRRORS: 'docker.io=https://env.example',
      MICROVM_PLAIN_HTTP: 'env.lan',
    })
    await settings.add(mirror('quay.io', 'http://env.lan'))
    expect(await settings.list()).toEqual([
      { ...mirror('docker.io', 'https://env.example'), fromEnvironment: true },
      { ...plain('env.lan'), fromEnvironment: true },
      { ...mirror('quay.io', 'http://env.lan'), fromEnvironment: false },
    ])
    expect(readFileSync(path, 'utf8')).not.toContain('env.example')
  })

  it('is not set twice', async () => {
    await editor().add(mirror('docker.io', 'https://one.example'))
    await expect(editor().add(mirror('docker.io', 'https://one.example/'))).rejects.toMatchObject({
      code: 'ALREADY_EXISTS',
    })
  })

  it.each([
    [mirror('docker.io', 'ftp://one.example'), 'no address'],
    [mirror('docker.io', 'https://'), 'no address'],
    [mirror('docker.io', 'https://anna:secret@one.example'), 'no address'],
    [mirror('docker.io', 'https://one.example/?a=b'), 'no address'],
    [mirror('docker.io', 'http://one.example'), 'without encryption'],
    [mirror('not a host', 'https://one.example'), 'is no registry'],
    [mirror('library/debian', 'https://one.example'), 'is no registry'],
    [plain('docker.io'), 'encryption only'],
    [plain('localhost:5000'), 'on this computer'],
    [plain('http://'), 'is no registry'],
  ])('is refused if it cannot be: %j', async (setting, words) => {
    const refused = editor().add(setting)
    await expect(refused).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    await expect(refused).rejects.toThrow(words)
    expect(await editor().list()).toEqual([])
  })

  it('in a file that is damaged is left alone and said so', async () => {
    writeFileSync(path, '{"mirors":{}}')
    await expect(editor().list()).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    await expect(editor().add(plain('a.lan'))).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    expect(readFileSync(path, 'utf8')).toBe('{"mirors":{}}')
  })
})
