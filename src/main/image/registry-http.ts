// SPDX-License-Identifier: Apache-2.0
// One GET to a registry or to where it sends us: timeouts, redirects, what counts as a failure that
// may pass. Plain HTTP only to this computer itself, and only if the registry is on it; what the
// registry may know (Authorization) goes to the registry's origin and nowhere else.
import type { Agent, Dispatcher } from 'undici'
import { MicrovmError } from '../../contract/errors'
import { quote } from './digest'
import { isRetryableStatus, parseRetryAfter, Retryable } from './retry'

export interface HttpResponse {
  readonly status: number
  /** The first value of a header, by its lower-case name. */
  header(name: string): string | undefined
  /** To be read once, or dropped. @throws as `HttpClient.get` */
  readonly body: AsyncIterable<Buffer>
  /** Gives the connection up, with whatever is still to come. */
  drop(): void
}

export interface GetOptions {
  readonly headers?: Readonly<Record<string, string>>
  /** Sent to the URL's own origin only. */
  readonly authorization?: string | undefined
  readonly signal?: AbortSignal | undefined
}

export interface HttpClient {
  /**
   * @throws Retryable for network errors and statuses that may pass, REGISTRY_UNREACHABLE,
   *   REGISTRY_ERROR for a redirect that is not followed, CANCELLED
   */
  get(url: URL, options: GetOptions): Promise<HttpResponse>
  close(): void
}

/** For each of: a connection, the response's headers, the next bytes of its body. */
const TIMEOUT_MS = 30_000
const MAX_REDIRECTS = 10
const redirects = new Set([301, 302, 303, 307, 308])

/** @param timeoutMs given by tests */
export function createHttpClient(userAgent: string, timeoutMs = TIMEOUT_MS): HttpClient {
  let agent: Promise<Agent> | undefined
  return {
    get: async (first, options) => {
      agent ??= makeAgent(timeoutMs)
      const dispatcher = await agent
      let url = first
      for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
        checkTarget(url, first)
        const { authorization: secret, headers, signal } = options
        const authorization = url.origin === first.origin ? secret : undefined
        const all = { 'user-agent': userAgent, ...headers, ...(authorization && { authorization }) }
        const response = await getOnce(dispatcher, url, all, signal)
        const location = redirects.has(response.status) ? response.header('location') : undefined
        if (location === undefined) return response
        response.drop()
        url = parseLocation(location, url)
      }
      const tooMany = `${first.host} redirects more than ${MAX_REDIRECTS} times`
      throw new MicrovmError('REGISTRY_ERROR', tooMany)
    },
    close: () => void agent?.then((made) => made.destroy()),
  }
}

/** Loads undici late: most commands and most launches never speak to a registry. */
async function makeAgent(timeoutMs: number): Promise<Agent> {
  const { Agent } = await import('undici')
  return new Agent({
    connect: { timeout: timeoutMs },
    headersTimeout: timeoutMs,
    // Runs only while bytes are waited for: a slow reader is not the server's fault.
    bodyTimeout: timeoutMs,
  })
}

async function getOnce(
  dispatcher: Dispatcher,
  url: URL,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal | undefined,
): Promise<HttpResponse> {
  const { request } = await import('undici')
  const response = await request(url, { dispatcher, headers, ...(signal && { signal }) }).catch(
    (error: unknown) => {
      throw networkError(url, error, signal)
    },
  )
  const status = response.statusCode
  const header = (name: string): string | undefined => [response.headers[name] ?? []].flat()[0]
  const drop = (): void => void response.body.on('error', () => undefined).destroy()
  if (isRetryableStatus(status)) {
    drop()
    throw new Retryable(busy(url, status), parseRetryAfter(header('retry-after'), Date.now()))
  }
  return { status, header, drop, body: readBody(response.body, url, signal) }
}

async function* readBody(
  body: Dispatcher.ResponseData['body'],
  url: URL,
  signal: AbortSignal | undefined,
): AsyncGenerator<Buffer, void> {
  try {
    for await (const chunk of body) yield chunk as Buffer
  } catch (error) {
    throw networkError(url, error, signal)
  } finally {
    body.on('error', () => undefined).destroy()
  }
}

const busy = (url: URL, status: number): MicrovmError =>
  new MicrovmError('REGISTRY_ERROR', `${url.host} answers with status ${status}`, {
    hint:
      status === 429
        ? 'The registry limits how often it may be asked. Try again later.'
        : 'The registry has a problem of its own. Try again later.',
  })

/** localhost and addresses that only ever mean this computer. */
export function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    /^127(?:\.[0-9]{1,3}){3}$/.test(hostname)
  )
}

/**
 * Refuses what a hostile registry might send us to.
 * @param origin where the user wanted to go
 */
export function checkTarget(url: URL, origin: URL): void {
  const isSafe =
    (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname))) &&
    (!isLoopback(url.hostname) || isLoopback(origin.hostname)) &&
    url.username === '' &&
    url.password === ''
  if (!isSafe)
    throw new MicrovmError('REGISTRY_ERROR', `${origin.host} sends us to ${quote(url.href)}`, {
      hint: 'That address is not secure, or is this computer itself, and is not followed.',
    })
}

/** What people read instead of errno names, and of undici's. */
const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refuses the connection: nothing serves there',
  ECONNRESET: 'broke the connection off',
  EPIPE: 'broke the connection off',
  UND_ERR_SOCKET: 'broke the connection off',
  EHOSTUNREACH: 'is unreachable: there is no route to it',
  ENETUNREACH: 'is unreachable: this computer has no route to its network',
  ENOTFOUND: 'is not found: no name server knows this name',
  EAI_AGAIN: 'is not found: the name server does not answer',
  ETIMEDOUT: 'does not answer',
  UND_ERR_CONNECT_TIMEOUT: 'does not answer',
  UND_ERR_HEADERS_TIMEOUT: 'took the request but does not answer',
  UND_ERR_BODY_TIMEOUT: 'stopped sending',
}

/** An error of the network while talking to `url`, as the one to throw. */
function networkError(url: URL, error: unknown, signal: AbortSignal | undefined): Error {
  if (signal?.aborted) return new MicrovmError('CANCELLED', 'cancelled', { cause: error })
  if (error instanceof MicrovmError || error instanceof Retryable) return error
  const { code = '', message } = firstOf(error)
  const unreachable = (hint: string): MicrovmError =>
    new MicrovmError(
      'REGISTRY_UNREACHABLE',
      `${url.host} ${reasons[code] ?? `is unreachable: ${message}`}`,
      {
        hint,
        cause: error,
      },
    )
  if (/^(?:CERT_|ERR_TLS_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/.test(code))
    return unreachable('The server’s certificate is not one this computer trusts.')
  if (/^(?:EPROTO|ERR_SSL_)/.test(code))
    return unreachable(
      'The server does not speak HTTPS. Plain HTTP is used for this computer only.',
    )
  return new Retryable(
    unreachable('Check the name of the registry and this computer’s network connection.'),
  )
}

/** Where a name has several addresses, the error of the first one tried. */
function firstOf(error: unknown): NodeJS.ErrnoException {
  return error instanceof AggregateError && error.errors.length > 0
    ? (error.errors[0] as NodeJS.ErrnoException)
    : (error as NodeJS.ErrnoException)
}

function parseLocation(location: string, base: URL): URL {
  try {
    return new URL(location, base)
  } catch {
    throw new MicrovmError('REGISTRY_ERROR', `${base.host} redirects to ${quote(location)}`)
  }
}
