// SPDX-License-Identifier: Apache-2.0
// One request to a registry or to where it sends us: timeouts, redirects, what counts as a failure
// that may pass. Plain HTTP only where the user asked for it or on this computer; what the registry
// may know (Authorization) goes to the URL's own origin and nowhere else.
import type { Dispatcher } from 'undici'
import { MicrovmError } from '../../../contract/errors'
import { quote } from '../digest'
import { busy, networkError, tooSlow } from './registry-errors'
import { Exchange } from './registry-exchange'
import { Connections, isLoopback, type NetworkSettings } from './registry-network'
import { isRetryableStatus, parseRetryAfter, Retryable } from './retry'

export interface HttpResponse {
  /** What answered, after redirects. */
  readonly url: URL
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
  /** Sends a form. Follows no redirect: what is in the form is for this URL. @throws as `get` */
  post(url: URL, form: URLSearchParams, signal?: AbortSignal): Promise<HttpResponse>
  close(): void
}

/** For each of: a connection, the response's headers, the next bytes of its body. */
const TIMEOUT_MS = 30_000
/** Slower than this, over the time of one timeout, is no sending. */
const SLOWEST_BYTES_PER_SECOND = 1024
const MAX_REDIRECTS = 10
const redirects = new Set([301, 302, 303, 307, 308])
const USER_AGENT = 'microvm-desktop'

/** @param timeoutMs given by tests */
export function createHttpClient(network: NetworkSettings, timeoutMs = TIMEOUT_MS): HttpClient {
  const connections = new Connections(network, timeoutMs)
  const send = async (url: URL, request: Request): Promise<HttpResponse> =>
    sendOnce(await connections.for(url), url, request, timeoutMs)
  return {
    get: async (first, { authorization: secret, headers, signal }) => {
      let url = first
      for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
        checkTarget(url, first)
        const authorization = url.origin === first.origin ? secret : undefined
        const response = await send(url, {
          method: 'GET',
          headers: { ...headers, ...(authorization && { authorization }) },
          signal,
        })
        const location = redirects.has(response.status) ? response.header('location') : undefined
        if (location === undefined) return response
        response.drop()
        url = parseLocation(location, url)
      }
      const tooMany = `${first.host} redirects more than ${MAX_REDIRECTS} times`
      throw new MicrovmError('REGISTRY_ERROR', tooMany)
    },
    post: (url, form, signal) =>
      send(url, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: form.toString(),
        signal,
      }),
    close: () => connections.close(),
  }
}

interface Request {
  readonly method: 'GET' | 'POST'
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  readonly signal: AbortSignal | undefined
}

async function sendOnce(
  dispatcher: Dispatcher,
  url: URL,
  { method, headers, body, signal }: Request,
  timeoutMs: number,
): Promise<HttpResponse> {
  const exchange = new Exchange(signal)
  dispatcher.dispatch(
    {
      origin: url.origin,
      path: url.pathname + url.search,
      method,
      headers: { 'user-agent': USER_AGENT, ...headers },
      ...(body !== undefined && { body }),
    },
    exchange,
  )
  const head = await exchange.head.catch((error: unknown) => {
    throw networkError(url, error, signal)
  })
  const { status } = head
  const header = (name: string): string | undefined => [head.headers[name] ?? []].flat()[0]
  const drop = (): void => exchange.drop()
  if (isRetryableStatus(status)) {
    drop()
    throw new Retryable(busy(url, status), parseRetryAfter(header('retry-after'), Date.now()))
  }
  return { url, status, header, drop, body: readBody(exchange, url, signal, timeoutMs) }
}

async function* readBody(
  exchange: Exchange,
  url: URL,
  signal: AbortSignal | undefined,
  timeoutMs: number,
): AsyncGenerator<Buffer, void> {
  let waitedMs = 0
  let bytes = 0
  try {
    for (;;) {
      const asked = performance.now()
      const chunk = await exchange.next()
      if (chunk === undefined) return
      // Only time in which bytes were waited for: a slow reader is not the server's fault.
      waitedMs += performance.now() - asked
      bytes += chunk.length
      yield chunk
      if (waitedMs < timeoutMs) continue
      if (bytes < (waitedMs / 1000) * SLOWEST_BYTES_PER_SECOND) throw tooSlow(url, waitedMs / 1000)
      waitedMs = bytes = 0
    }
  } catch (error) {
    throw networkError(url, error, signal)
  } finally {
    exchange.drop()
  }
}

/**
 * Refuses what a hostile registry might send us to: anything but HTTPS, and this computer from
 * elsewhere. A registry reached by plain HTTP may name its own host and port by plain HTTP.
 * @param origin where the user wanted to go
 */
export function checkTarget(url: URL, origin: URL): void {
  const isOwn = url.origin === origin.origin
  const isSecure =
    url.protocol === 'https:' || (url.protocol === 'http:' && (isLoopback(url.hostname) || isOwn))
  const isSafe =
    isSecure &&
    (!isLoopback(url.hostname) || isLoopback(origin.hostname)) &&
    url.username === '' &&
    url.password === ''
  if (!isSafe)
    throw new MicrovmError('REGISTRY_ERROR', `${origin.host} sends us to ${quote(url.href)}`, {
      hint: 'That address is not secure, or is this computer itself, and is not followed.',
    })
}

function parseLocation(location: string, base: URL): URL {
  try {
    return new URL(location, base)
  } catch {
    throw new MicrovmError('REGISTRY_ERROR', `${base.host} redirects to ${quote(location)}`)
  }
}
