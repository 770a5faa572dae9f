// SPDX-License-Identifier: Apache-2.0
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createDockerCredentials } from '../../../../../src/main/image/registry/docker-credentials'

let home: string
let config: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'docker-credentials-'))
  mkdirSync(join(home, '.docker'))
  config = join(home, '.docker/config.json')
})
afterEach(() => rmSync(home, { recursive: true }))

const base64 = (text: string): string => Buffer.from(text).toString('base64')
const write = (value: unknown): void => writeFileSync(config, JSON.stringify(value))
const read = (): unknown => JSON.parse(readFileSync(config, 'utf8'))
const store = (env: NodeJS.ProcessEnv = {}, timeoutMs = 10_000) =>
  createDockerCredentials({
    home,
    env: { PATH: `${home}:${process.env['PATH']}`, ...env },
    lockPath: join(home, 'lock'),
    timeoutMs,
  })

/** A helper that notes what it is asked, keeps nothing, and answers as `script` says. */
function helper(name: string, script: string): void {
  const text = `#!/bin/sh\ninput=$(cat)\necho "$1 $input" >> ${home}/asked\n${script}\n`
  writeFileSync(join(home, `docker-credential-${name}`), text, { mode: 0o700 })
}
const asked = (): string[] => readFileSync(join(home, 'asked'), 'utf8').trim().split('\n')

const anna = { kind: 'password', username: 'anna', password: 'p:w' } as const

describe('docker’s config file', () => {
  it('has no login when it is missing, and none is made up', async () => {
    expect(await store().find('docker.io')).toBeUndefined()
    expect(await store().list()).toEqual([])
  })

  it.each([
    ['docker.io', 'https://index.docker.io/v1/'],
    ['docker.io', 'index.docker.io'],
    ['docker.io', 'registry-1.docker.io'],
    ['ghcr.io', 'ghcr.io'],
    ['reg.example:5000', 'https://reg.example:5000/v2/'],
  ])('has the login of %s under %s', async (registry, key) => {
    write({
      auths: { 'other.example': { auth: base64('x:y') }, [key]: { auth: base64('anna:p:w') } },
    })
    expect(await store().find(registry)).toEqual(anna)
  })

  it('gives a login to its own registry only, port included', async () => {
    write({ auths: { 'reg.example:5000': { auth: base64('anna:p:w') } } })
    for (const other of ['reg.example', 'reg.example:5001', 'a.reg.example:5000', 'docker.io'])
      expect(await store().find(other), other).toBeUndefined()
  })

  it('may hold an identity token, or name and password apart', async () => {
    write({
      auths: {
        'a.example': { auth: base64('x:y'), identitytoken: 'tok' },
        'b.example': { username: 'anna', password: 'p:w' },
        'c.example': {},
        'd.example': { auth: '%%%' },
      },
    })
    expect(await store().find('a.example')).toEqual({ kind: 'identity', token: 'tok' })
    expect(await store().find('b.example')).toEqual(anna)
    expect(await store().find('c.example')).toBeUndefined()
    expect(await store().find('d.example')).toBeUndefined()
    expect(await store().list()).toEqual([
      { registry: 'a.example', username: '' },
      { registry: 'b.example', username: 'anna' },
    ])
  })

  it('is where DOCKER_CONFIG says', async () => {
    mkdirSync(join(home, 'elsewhere'))
    writeFileSync(
      join(home, 'elsewhere/config.json'),
      JSON.stringify({ auths: { 'a.example': { auth: base64('anna:p:w') } } }),
    )
    expect(await store({ DOCKER_CONFIG: join(home, 'elsewhere') }).find('a.example')).toEqual(anna)
  })

  it('that is no JSON is told of without its content', async () => {
    writeFileSync(config, '{"auths": {"a.example": {"auth": "c2VjcmV0"')
    const failed = store().find('a.example')
    await expect(failed).rejects.toMatchObject({ code: 'STATE_CORRUPT' })
    await expect(failed).rejects.not.toThrow(/c2VjcmV0/)
  })

  it('takes a login up and gives it up, and keeps all else it holds', async () => {
    write({
      auths: { 'a.example': { auth: base64('x:y'), email: 'e' } },
      detachKeys: 'ctrl-q',
      n: 1,
    })
    await store().save('docker.io', anna)
    expect(read()).toEqual({
      auths: {
        'a.example': { auth: base64('x:y'), email: 'e' },
        'https://index.docker.io/v1/': { auth: base64('anna:p:w') },
      },
      detachKeys: 'ctrl-q',
      n: 1,
    })
    expect(statSync(config).mode & 0o777).toBe(0o600)
    expect(await store().remove('docker.io')).toBe(true)
    expect(await store().remove('docker.io')).toBe(false)
    expect(read()).toEqual({
      auths: { 'a.example': { auth: base64('x:y'), email: 'e' } },
      detachKeys: 'ctrl-q',
      n: 1,
    })
  })

  it('stays a symbolic link if it is one', async () => {
    write({})
    mkdirSync(join(home, 'linked'))
    symlinkSync(config, join(home, 'linked/config.json'))
    await store({ DOCKER_CONFIG: join(home, 'linked') }).save('a.example', anna)
    expect(read()).toEqual({ auths: { 'a.example': { auth: base64('anna:p:w') } } })
  })

  it('loses nothing when several logins come at once', async () => {
    const names = Array.from({ length: 8 }, (_, n) => `r${n}.example`)
    await Promise.all(names.map((name) => store().save(name, anna)))
    expect((await store().list()).map(({ registry }) => registry).toSorted()).toEqual(names)
  })
})

describe('a credential helper', () => {
  it('is asked for the registry’s login, the one for the registry before the one for all', async () => {
    helper('all', `echo '{"ServerURL":"s","Username":"anna","Secret":"p:w"}'`)
    helper('one', `echo '{"ServerURL":"s","Username":"<token>","Secret":"tok"}'`)
    write({ credsStore: 'all', credHelpers: { 'one.example': 'one' } })
    expect(await store().find('docker.io')).toEqual(anna)
    expect(await store().find('one.example')).toEqual({ kind: 'identity', token: 'tok' })
    expect(asked()).toEqual(['get https://index.docker.io/v1/', 'get one.example'])
  })

  it('may have none', async () => {
    helper('all', 'echo "credentials not found in native keychain"; exit 1')
    write({ credsStore: 'all' })
    expect(await store().find('a.example')).toBeUndefined()
  })

  it('gets new logins and forgets old ones; the file has no secret then', async () => {
    helper('all', `[ $1 = get ] && echo '{"ServerURL":"s","Username":"anna","Secret":"p:w"}'; true`)
    write({ credsStore: 'all' })
    await store().save('a.example', anna)
    expect(JSON.parse(asked()[0]!.replace('store ', ''))).toEqual({
      ServerURL: 'a.example',
      Username: 'anna',
      Secret: 'p:w',
    })
    expect(read()).toEqual({ credsStore: 'all', auths: { 'a.example': {} } })
    expect(await store().remove('a.example')).toBe(true)
    expect(asked().at(-1)).toBe('erase a.example')
    expect(read()).toEqual({ credsStore: 'all', auths: {} })
  })

  it('tells who is signed in where', async () => {
    helper('all', `echo '{"https://index.docker.io/v1/":"anna","b.example":"bob"}'`)
    write({ credsStore: 'all', auths: { 'b.example': {} } })
    expect(await store().list()).toEqual([
      { registry: 'docker.io', username: 'anna' },
      { registry: 'b.example', username: 'bob' },
    ])
  })

  it.each([
    ['that fails', 'echo "no such key ring"; exit 1', 'no such key ring'],
    ['that answers nonsense', 'echo \'{"Username":"anna","Secret":5}\'', 'not understood'],
    ['that says too much', 'head -c 100000 /dev/zero', 'too much'],
    ['that never answers', 'exec sleep 60', 'in time'],
  ])('%s is an error that says so, without any secret', async (_what, script, text) => {
    helper('all', script)
    write({ credsStore: 'all' })
    const failed = store({}, 700).find('a.example')
    await expect(failed).rejects.toMatchObject({ code: 'PERMISSION_DENIED' })
    await expect(failed).rejects.toThrow(text)
  })

  it('that is not installed is an error, and so is one whose name is a path', async () => {
    write({ credsStore: 'missing', credHelpers: { 'b.example': '../../bin/sh' } })
    await expect(store().find('a.example')).rejects.toThrow('is not installed')
    await expect(store().find('b.example')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })
})
