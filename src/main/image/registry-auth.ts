// SPDX-License-Identifier: Apache-2.0
// A registry's demand for a token and how it is met (distribution, "Token Authentication
// Specification"; RFC 9110, 11.6.1). For now without credentials: public images want a token, too.
import { z } from 'zod'
import { MicrovmError } from '../../contract/errors'
import { quote } from './digest'
import { readAll } from './read-all'
import { checkTarget, type HttpClient } from './registry-http'

export interface Challenge {
  /** In lower case. */
  readonly scheme: string
  readonly params: ReadonlyMap<string, string>
}

const MAX_TOKEN_BYTES = 1024 * 1024
const tokenSchema = z.object({
  token: z.string().optional(),
  access_token: z.string().optional(),
})
const word = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"

/** Reads a WWW-Authenticate header; what is not understood is left out. */
export function parseChallenges(header: string): Challenge[] {
  const challenges: { scheme: string; params: Map<string, string> }[] = []
  const token = new RegExp(
    `\\s*,?\\s*(${word})(?:\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|(${word}|[^\\s,"]+))|(?=[\\s,]|$))`,
    'y',
  )
  for (let match = token.exec(header); match; match = token.exec(header)) {
    const [, name, quoted, plain] = match
    const value = quoted?.replace(/\\(.)/g, '$1') ?? plain
    if (value === undefined) challenges.push({ scheme: name!.toLowerCase(), params: new Map() })
    else challenges.at(-1)?.params.set(name!.toLowerCase(), value)
  }
  return challenges
}

/**
 * Gets a token that lets anyone read.
 * @param scope asked for if the challenge names none: "repository:library/debian:pull"
 * @returns the value of the Authorization header
 * @throws REGISTRY_DENIED, REGISTRY_ERROR, and as `HttpClient.get`
 */
export async function fetchAnonymousToken(
  http: HttpClient,
  registry: URL,
  header: string | undefined,
  scope: string,
  signal?: AbortSignal,
): Promise<string> {
  const bearer = parseChallenges(header ?? '').find(({ scheme }) => scheme === 'bearer')
  if (!bearer) throw denied(registry)
  const url = realmOf(bearer, registry)
  for (const name of ['service', 'scope'] as const) {
    const value = bearer.params.get(name) ?? (name === 'scope' ? scope : undefined)
    if (value !== undefined) url.searchParams.set(name, value)
  }
  const response = await http.get(url, { signal })
  const bytes = await readAll(response, MAX_TOKEN_BYTES)
  if (response.status === 401 || response.status === 403) throw denied(registry)
  if (response.status !== 200)
    throw new MicrovmError(
      'REGISTRY_ERROR',
      `${url.host} answers a request for a token with status ${response.status}`,
    )
  const token = parseToken(bytes)
  if (token === undefined)
    throw new MicrovmError(
      'REGISTRY_ERROR',
      `${url.host} answers a request for a token with something else`,
    )
  return `Bearer ${token}`
}

export function denied(registry: URL): MicrovmError {
  return new MicrovmError(
    'REGISTRY_DENIED',
    `${registry.host} does not let anyone read this image`,
    {
      hint: 'Check its name: many registries say this of an image that does not exist. Private images need a sign-in, which is not supported yet.',
    },
  )
}

function realmOf(bearer: Challenge, registry: URL): URL {
  const realm = bearer.params.get('realm') ?? ''
  let url: URL
  try {
    url = new URL(realm)
  } catch {
    throw new MicrovmError(
      'REGISTRY_ERROR',
      `${registry.host} names ${quote(realm)} as the place for tokens`,
    )
  }
  checkTarget(url, registry)
  return url
}

function parseToken(bytes: Buffer): string | undefined {
  try {
    const { token, access_token: accessToken } = tokenSchema.parse(JSON.parse(bytes.toString()))
    const value = token || accessToken
    // Nothing that could end the header it goes into.
    return value && /^[\x21-\x7e]+$/.test(value) ? value : undefined
  } catch {
    return undefined
  }
}
