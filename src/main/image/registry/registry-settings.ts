// SPDX-License-Identifier: Apache-2.0
// What the user has set about registries: mirrors, plain HTTP, foreign token servers. From
// registries.json in the data directory, and from the environment, which comes first.
import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { MicrovmError } from '../../../contract/errors'
import { quote } from '../digest'

const host = z.string().regex(/^[a-zA-Z0-9.\-[\]:]+$/, 'is no host')
const schema = z.strictObject({
  /** Per registry, addresses to ask before it: "https://mirror.example" or, with a prefix, ".../hub". */
  mirrors: z.record(host, z.array(z.url({ protocol: /^https?$/ }))).default({}),
  /** Registries to be reached by plain HTTP: "registry.lan:5000". */
  plainHttp: z.array(host).default([]),
  /** Per registry, hosts of token servers outside its domain that may have its password. */
  tokenHosts: z.record(host, z.array(host)).default({}),
  /** Whether Docker and Podman on this computer are asked for images before a registry; yes unless said. */
  daemons: z.boolean().optional(),
})
export type RegistrySettings = z.infer<typeof schema>

/** MICROVM_REGISTRY_MIRRORS: "docker.io=https://mirror.example ghcr.io=https://…", the first one first. */
const MIRRORS = 'MICROVM_REGISTRY_MIRRORS'
/** MICROVM_PLAIN_HTTP: "registry.lan:5000 other:5000". */
const PLAIN_HTTP = 'MICROVM_PLAIN_HTTP'
/** MICROVM_DAEMONS: "0" for no, "1" for yes. */
const DAEMONS = 'MICROVM_DAEMONS'

/** @throws INVALID_ARGUMENT for settings that are not understood: none is silently left out */
export async function readRegistrySettings(
  path: string,
  env: NodeJS.ProcessEnv,
): Promise<RegistrySettings> {
  const [file, own] = [await readSettingsFile(path), settingsOfEnvironment(env)]
  return {
    ...file,
    ...(own.daemons === undefined ? {} : { daemons: own.daemons }),
    mirrors: { ...file.mirrors, ...own.mirrors },
    plainHttp: [...own.plainHttp, ...file.plainHttp],
  }
}

/** @throws INVALID_ARGUMENT */
export async function readSettingsFile(path: string): Promise<RegistrySettings> {
  return parse(await readJson(path), quote(path))
}

/** @throws INVALID_ARGUMENT */
export function settingsOfEnvironment(env: NodeJS.ProcessEnv): RegistrySettings {
  const mirrors: Record<string, string[]> = {}
  for (const entry of words(env[MIRRORS])) {
    const equals = entry.indexOf('=')
    const registry = entry.slice(0, Math.max(equals, 0))
    mirrors[registry] = [...(mirrors[registry] ?? []), entry.slice(equals + 1)]
  }
  const daemons = env[DAEMONS] ? { daemons: flags[env[DAEMONS]] ?? env[DAEMONS] } : {}
  return parse({ mirrors, plainHttp: words(env[PLAIN_HTTP]), ...daemons }, 'the environment')
}

/** Anything else is refused by the schema. */
const flags: Readonly<Record<string, boolean>> = { '0': false, '1': true }
const words = (text = ''): string[] => text.split(/[\s,]+/).filter((word) => word !== '')

async function readJson(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '{}'
    throw error
  })
  try {
    return JSON.parse(text)
  } catch {
    throw new MicrovmError('INVALID_ARGUMENT', `${quote(path)} is no JSON`)
  }
}

function parse(value: unknown, where: string): RegistrySettings {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new MicrovmError(
    'INVALID_ARGUMENT',
    `the settings for registries in ${where} are wrong: ${issue?.path.join('.')}: ${issue?.message}`,
    { hint: `They look like ${MIRRORS}="docker.io=https://mirror.example".` },
  )
}
