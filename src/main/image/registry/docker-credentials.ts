// SPDX-License-Identifier: Apache-2.0
// The logins that docker, podman's docker mode and this command line share: config.json in
// DOCKER_CONFIG or ~/.docker (docker/cli, cli/config/configfile). Whatever else the file holds stays
// as it is. With a credential helper set, secrets go to the helper; without, into the file, as docker does.
import { mkdir, readFile, realpath, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { MicrovmError } from '../../../contract/errors'
import { writeFileAtomic } from '../../lib/atomic-file'
import { withFileLock } from '../../lib/file-lock'
import { CredentialHelper, type HelperDeps } from './credential-helper'
import type { Credential, CredentialStore, StoredLogin } from './credentials'
import { quote } from '../digest'

export interface DockerCredentialsDeps extends HelperDeps {
  readonly home: string
  /** Held while the file is changed. */
  readonly lockPath: string
}

const loginSchema = z.looseObject({
  auth: z.string().optional(),
  username: z.string().optional(),
  password: z.string().optional(),
  identitytoken: z.string().optional(),
})
const configSchema = z.looseObject({
  auths: z.record(z.string(), loginSchema).nullish(),
  credsStore: z.string().optional(),
  credHelpers: z.record(z.string(), z.string()).nullish(),
})
type Config = z.infer<typeof configSchema>

const MAX_CONFIG_BYTES = 1024 * 1024
/** The name under which all Docker tools keep the login of Docker Hub. */
const HUB_KEY = 'https://index.docker.io/v1/'
const HUB_NAMES = new Set(['docker.io', 'index.docker.io', 'registry-1.docker.io'])

export function createDockerCredentials(deps: DockerCredentialsDeps): CredentialStore {
  const path = join(deps.env['DOCKER_CONFIG'] || join(deps.home, '.docker'), 'config.json')
  const helperFor = ({ credHelpers, credsStore }: Config, registry: string) => {
    const name = credHelpers?.[keyOf(registry)] ?? credHelpers?.[registry] ?? credsStore
    return name ? new CredentialHelper(name, deps) : undefined
  }
  const change = (edit: (config: Config) => void): Promise<void> =>
    withFileLock(deps.lockPath, async () => {
      const config = await readConfig(path)
      edit(config)
      await writeConfig(path, config)
    })
  return {
    find: async (registry) => {
      const config = await readConfig(path)
      const helper = helperFor(config, registry)
      if (helper) return helper.get(keyOf(registry))
      const login = Object.entries(config.auths ?? {}).find(([key]) => nameOf(key) === registry)
      return login && readLogin(login[1])
    },
    list: () => listLogins(path, deps),
    save: async (registry, { username, password }) => {
      const helper = helperFor(await readConfig(path), registry)
      await helper?.store(keyOf(registry), username, password)
      const auth = Buffer.from(`${username}:${password}`).toString('base64')
      // An empty entry beside a helper says that there is a login: docker does so, too.
      await change((config) => {
        config.auths = { ...config.auths, [keyOf(registry)]: helper ? {} : { auth } }
      })
      return true
    },
    remove: async (registry) => {
      const config = await readConfig(path)
      const helper = helperFor(config, registry)
      const known = helper ? (await helper.get(keyOf(registry))) !== undefined : false
      if (known) await helper?.erase(keyOf(registry))
      const isNamed = (key: string): boolean => nameOf(key) === registry
      if (!Object.keys(config.auths ?? {}).some(isNamed)) return known
      await change((now) => {
        now.auths = Object.fromEntries(
          Object.entries(now.auths ?? {}).filter(([key]) => !isNamed(key)),
        )
      })
      return true
    },
  }
}

async function listLogins(path: string, deps: HelperDeps): Promise<StoredLogin[]> {
  const config = await readConfig(path)
  const found = new Map<string, string>()
  for (const [key, login] of Object.entries(config.auths ?? {})) {
    const credential = readLogin(login)
    if (!credential) continue
    found.set(nameOf(key), credential.kind === 'password' ? credential.username : '')
  }
  const names = [config.credsStore ?? '', ...Object.values(config.credHelpers ?? {})]
  for (const name of new Set(names.filter((one) => one !== ''))) {
    // One helper that fails must not hide the logins of the others.
    const listed = await new CredentialHelper(name, deps).list().catch(() => ({}))
    for (const [key, username] of Object.entries<string>(listed)) found.set(nameOf(key), username)
  }
  return [...found].map(([registry, username]) => ({ registry, username }))
}

const keyOf = (registry: string): string => (registry === 'docker.io' ? HUB_KEY : registry)

/** The registry that a key of the file means: some tools write whole URLs. */
function nameOf(key: string): string {
  const host = key.replace(/^https?:\/\//, '').replace(/\/.*$/, '')
  return HUB_NAMES.has(host) ? 'docker.io' : host
}

function readLogin(login: z.infer<typeof loginSchema>): Credential | undefined {
  if (login.identitytoken) return { kind: 'identity', token: login.identitytoken }
  const { username, password, auth } = login
  if (username && password) return { kind: 'password', username, password }
  const text = Buffer.from(auth ?? '', 'base64')
    .toString()
    .replace(/\0+$/, '')
  const colon = text.indexOf(':')
  if (colon < 1) return undefined
  return { kind: 'password', username: text.slice(0, colon), password: text.slice(colon + 1) }
}

/** @throws STATE_CORRUPT for a file that is there but is not what it should be */
async function readConfig(path: string): Promise<Config> {
  try {
    const { size } = await stat(path)
    if (size > MAX_CONFIG_BYTES) throw new Error(`it has ${size} bytes`)
    return configSchema.parse(JSON.parse(await readFile(path, 'utf8')))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {}
    // Without the cause, which would quote what the file holds.
    throw new MicrovmError('STATE_CORRUPT', `docker’s config file ${quote(path)} cannot be read`, {
      hint: 'It should be JSON. Mend it, or name another folder in DOCKER_CONFIG.',
    })
  }
}

async function writeConfig(path: string, config: Config): Promise<void> {
  // Some people keep it elsewhere, behind a symbolic link.
  const target = await realpath(path).catch(() => path)
  await mkdir(dirname(target), { recursive: true, mode: 0o700 })
  await writeFileAtomic(target, `${JSON.stringify(config, null, '\t')}\n`)
}
