// SPDX-License-Identifier: Apache-2.0
// A registry's demand for authorization and how it is met (distribution, "Token Authentication
// Specification" and "OAuth2 Token Authentication"; RFC 9110, 11.6.1; RFC 7617).
//
// Who gets to see a password: the registry itself, if it asks for it in the basic scheme; the token
// server it names, if that is the registry's own host, or by HTTPS one in the registry's own domain
// or one that the user has named for it. Any other token server is asked as anyone would ask.
import { MicrovmError } from '../../../contract/errors'
import { basicHeader, type Credential } from './credentials'
import { quote } from '../digest'
import { readAll } from '../read-all'
import { denied } from './registry-errors'
import { checkTarget, type HttpClient, type HttpResponse } from './registry-http'

export interface Challenge {
  /** In lower case. */
  readonly scheme: string
  readonly params: ReadonlyMap<string, string>
}

export interface Authorization {
  /** The value of the header. */
  readonly header: string
  /** Milliseconds since the epoch; absent if it does not expire. */
  readonly expiresAt?: number
}

export interface AuthRequest {
  /** What was asked for and denied. */
  readonly url: URL
  /** The WWW-Authenticate header. */
  readonly challenge: string | undefined
  /** Asked for if the challenge names none: "repository:library/debian:pull" */
  readonly scope?: string
  readonly credential: Credential | undefined
  /** Hosts of token servers that the user trusts with this registry's password. */
  readonly tokenHosts: readonly string[]
  readonly signal?: AbortSignal | undefined
  readonly now: () => number
}

const MAX_TOKEN_BYTES = 1024 * 1024
/** "If omitted, this defaults to 60 seconds"; older servers give less than is useful. */
const SHORTEST_LIFE_S = 60
/** A token this near to its end may not live to see the answer. */
const MARGIN_MS = 5000
const CLIENT_ID = 'microvm-desktop'
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
 * Meets a challenge, with the credential if there is one and its receiver may have it.
 * @throws REGISTRY_DENIED, REGISTRY_ERROR, and as `HttpClient.get`
 */
export async function authorize(http: HttpClient, request: AuthRequest): Promise<Authorization> {
  const { url, credential } = request
  const challenges = parseChallenges(request.challenge ?? '')
  const bearer = challenges.find(({ scheme }) => scheme === 'bearer')
  if (bearer) return fetchToken(http, bearer, request)
  const wantsBasic = challenges.some(({ scheme }) => scheme === 'basic')
  if (wantsBasic && credential?.kind === 'password')
    return { header: basicHeader(credential.username, credential.password) }
  throw denied(url)
}

async function fetchToken(
  http: HttpClient,
  { params }: Challenge,
  request: AuthRequest,
): Promise<Authorization> {
  const { url, credential, signal } = request
  const realm = readRealm(params.get('realm') ?? '', url)
  const mayHave = credential !== undefined && mayGetPassword(realm, url, request.tokenHosts)
  const query = new URLSearchParams()
  const service = params.get('service')
  if (service !== undefined) query.set('service', service)
  const scope = params.get('scope') ?? request.scope
  if (scope !== undefined) query.set('scope', scope)
  const response =
    mayHave && credential.kind === 'identity'
      ? await http.post(realm, identityForm(query, credential.token), signal)
      : await http.get(withQuery(realm, query, mayHave ? credential : undefined), {
          authorization: mayHave ? passwordHeader(credential) : undefined,
          signal,
        })
  const withheld =
    credential === undefined || mayHave
      ? undefined
      : `Its password was not sent to ${realm.host}, where the registry gets its tokens, because that is another domain. If it is right, name it in registries.json: see docs/SECURITY.md.`
  return readToken(response, { ...request, withheld })
}

const passwordHeader = (credential: Credential): string | undefined =>
  credential.kind === 'password' ? basicHeader(credential.username, credential.password) : undefined

function withQuery(realm: URL, query: URLSearchParams, credential: Credential | undefined): URL {
  const url = new URL(realm)
  for (const [name, value] of query) url.searchParams.set(name, value)
  if (credential?.kind === 'password') url.searchParams.set('account', credential.username)
  return url
}

function identityForm(query: URLSearchParams, token: string): URLSearchParams {
  const form = new URLSearchParams(query)
  form.set('grant_type', 'refresh_token')
  form.set('refresh_token', token)
  form.set('client_id', CLIENT_ID)
  return form
}

async function readToken(
  response: HttpResponse,
  { url, credential, withheld, now }: AuthRequest & { withheld: string | undefined },
): Promise<Authorization> {
  const { status } = response
  const bytes = await readAll(response, MAX_TOKEN_BYTES)
  // OAuth 2 says 400 of a token that is no longer good (RFC 6749, 5.2).
  const isDenied = status === 401 || status === 403 || (status === 400 && credential !== undefined)
  if (isDenied && credential !== undefined && withheld === undefined) throw wrongPassword(url)
  if (isDenied) throw denied(url, withheld)
  const wrong = (what: string): MicrovmError =>
    new MicrovmError(
      'REGISTRY_ERROR',
      `${response.url.host} answers a request for a token with ${what}`,
    )
  if (status !== 200) throw wrong(`status ${status}`)
  // Loaded late, as all that checks answers: threads for layers hardly ever need it.
  const { parseToken } = await import('./registry-answers')
  const token = parseToken(bytes)
  if (token === undefined) throw wrong('something else')
  const lifeMs = Math.max(token.expiresInS ?? 0, SHORTEST_LIFE_S) * 1000
  return { header: `Bearer ${token.value}`, expiresAt: now() + lifeMs - MARGIN_MS }
}

/** The token server's address, if it is one that may be asked at all. */
function readRealm(text: string, registry: URL): URL {
  if (!URL.canParse(text))
    throw new MicrovmError(
      'REGISTRY_ERROR',
      `${registry.host} names ${quote(text)} as the place for tokens`,
    )
  const realm = new URL(text)
  checkTarget(realm, registry)
  return realm
}

/** See the head of this file. @param realm has passed `checkTarget` */
export function mayGetPassword(realm: URL, registry: URL, tokenHosts: readonly string[]): boolean {
  if (realm.origin === registry.origin) return true
  // Who reads the registry's plain HTTP could have written the realm.
  if (realm.protocol !== 'https:' || registry.protocol !== 'https:') return false
  return (
    realm.hostname === registry.hostname ||
    tokenHosts.includes(realm.hostname) ||
    ownDomain(realm.hostname) === ownDomain(registry.hostname)
  )
}

/**
 * The part of a host's name that somebody has registered, as far as its form tells: two labels, or
 * three below a short second level (co.uk). An address is its own.
 */
function ownDomain(hostname: string): string {
  if (/^[0-9.]+$|^\[/.test(hostname)) return hostname
  const labels = hostname.split('.')
  const isShort = (labels.at(-1)?.length ?? 0) === 2 && (labels.at(-2)?.length ?? 0) <= 3
  return labels.slice(isShort && labels.length > 2 ? -3 : -2).join('.')
}

export const wrongPassword = (registry: URL): MicrovmError =>
  new MicrovmError('REGISTRY_DENIED', `${registry.host} refuses the user name or the password`, {
    hint: 'Sign in again: microvm login, or Settings. Many registries want an access token in place of the password.',
  })
