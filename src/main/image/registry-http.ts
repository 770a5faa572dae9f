// SPDX-License-Identifier: Apache-2.0
// One GET to a registry or to where it sends us: timeouts, redirects, what counts as a failure that
// may pass. Plain HTTP only to this computer itself, and only if the registry is on it; what the
// registry may know (Authorization) goes to the registry's origin and nowhere else.
import type { Readable } from 'node:stream'
import { Agent, request } from 'undici'
import { MicrovmError } from '../../contract/errors'
import { quote } from './digest'
import { isRetryableStatus, parseRetryAfter, Retryable } from './retry'

export interface HttpResponse {
  readonly status: number
  /** The first value of a header, by its lower-case name. */
  header(name: string): string | undefined
  readonly body: Readable
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
  close(): Promise<void>
}

const TIMEOUT_MS = 30_000
const MAX_REDIRECTS = 10
const redirects = [301, 302, 303, 307, 308]

export function createHttpClient(userAgent: string): HttpClient {
  const agent = new Agent({
    connect: { timeout: TIMEOUT_MS },
    headersTimeout: TIMEOUT_MS,
    bodyTimeout: TIMEOUT_MS,
  })

  async function get(first: URL, options: GetOptions): Promise<HttpResponse> {
    let url = first
    for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
      checkTarget(url, first)
      const response = await getOnce(url, {
        ...options,
        authorization: url.origin === first.origin ? options.authorization : undefined,
      })
      const location = redirects.includes(response.status) ? response.header('location') : undefined
      if (location === undefined) return response
      response.body.destroy()
      url = parseLocation(location, url)
    }
    throw new MicrovmError(
      'REGISTRY_ERROR',
      `${first.host} redirects more than ${MAX_REDIRECTS} times`,
    )
  }

  async function getOnce(url: URL, options: GetOptions): Promise<HttpResponse> {
    const { headers, authorization, signal } = options
    const response = await request(url, {
      dispatcher: agent,
      headers: {
        'user-agent': userAgent,
        ...headers,
        ...(authorization === undefined ? {} : { authorization }),
      },
      ...(signal ? { signal } : {}),
    }).catch((error: unknown) => {
      throw networkError(url, error, signal)
    })
    const header = (name: string): string | undefined => {
      const value = response.headers[name]
      return Array.isArray(value) ? value[0] : value
    }
    if (isRetryableStatus(response.statusCode)) {
      response.body.on('error', () => undefined).destroy()
      throw new Retryable(
        new MicrovmError(
          'REGISTRY_ERROR',
          `${url.host} answers with status ${response.statusCode}`,
          {
            hint:
              response.statusCode === 429
                ? 'The registry limits how often it may be asked. Try again later.'
                : 'The registry has a problem of its own. Try again later.',
          },
        ),
        parseRetryAfter(header('retry-after'), Date.now()),
      )
    }
    return { status: response.statusCode, header, body: response.body }
  }

  return { get, close: () => agent.destroy() }
}

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

/** An error of the network while talking to `url`, as the one to throw. */
export function networkError(url: URL, error: unknown, signal: AbortSignal | undefined): Error {
  if (signal?.aborted) return new MicrovmError('CANCELLED', 'cancelled', { cause: error })
  if (error instanceof MicrovmError || error instanceof Retryable) return error
  const { code = '', message } = error as NodeJS.ErrnoException
  const unreachable = (hint: string): MicrovmError =>
    new MicrovmError('REGISTRY_UNREACHABLE', `${url.host}: ${message}`, { hint, cause: error })
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

function parseLocation(location: string, base: URL): URL {
  try {
    return new URL(location, base)
  } catch {
    throw new MicrovmError('REGISTRY_ERROR', `${base.host} redirects to ${quote(location)}`)
  }
}
