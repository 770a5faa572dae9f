// SPDX-License-Identifier: Apache-2.0
// One registry or mirror, as far as one repository goes: requests, with authorization got on the way
// when it is asked for, and again once when it has run out.
import { MicrovmError } from '../../../contract/errors'
import type { Credential, CredentialSource } from './credentials'
import { readAll } from '../read-all'
import type { EndpointAccess } from './registry-access'
import { authorize, wrongPassword, type Authorization } from './registry-auth'
import { denied } from './registry-errors'
import type { HttpClient, HttpResponse } from './registry-http'
import { isLoopback } from './registry-network'

export interface EndpointDeps {
  readonly http: HttpClient
  /** Asked once, when the registry first demands authorization. */
  readonly credentials?: CredentialSource | undefined
  readonly now: () => number
}

interface EndpointRequest {
  /** Below /v2/. */
  readonly path: string
  readonly what: string
  readonly headers: Readonly<Record<string, string>>
  readonly scope?: string
  readonly signal: AbortSignal | undefined
}

const MAX_ERROR_BYTES = 64 * 1024

export class RegistryEndpoint {
  readonly #access: EndpointAccess
  #origin: string
  readonly #deps: EndpointDeps
  #authorization: Authorization | undefined
  #credential: Credential | undefined
  #hasLooked = false
  /** Why the credential could not be read. */
  #problem: MicrovmError | undefined

  constructor(access: EndpointAccess, deps: EndpointDeps) {
    this.#access = access
    this.#origin = access.origin
    this.#deps = deps
    this.#authorization = access.authorization
    this.#credential = access.credential
    this.#hasLooked = access.credential !== undefined
  }

  /** With what was got so far. */
  get access(): EndpointAccess {
    const authorization = this.#authorization
    const credential = this.#credential
    return {
      ...this.#access,
      origin: this.#origin,
      ...(authorization === undefined ? {} : { authorization }),
      ...(credential === undefined ? {} : { credential }),
    }
  }

  get repository(): string {
    return this.#access.repository
  }

  /**
   * One try at a part of the repository ("manifests/latest"); a success, or its error.
   * @param what it is, for people
   */
  get(
    path: string,
    what: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal | undefined,
  ): Promise<HttpResponse> {
    const scope = `repository:${this.repository}:pull`
    return this.#success({ path: `${this.repository}/${path}`, what, headers, scope, signal })
  }

  /** Whether the registry takes the login it was given. @throws REGISTRY_DENIED if not, and as `get` */
  async checkLogin(signal: AbortSignal | undefined): Promise<void> {
    try {
      const what = 'registry API (/v2/)'
      const response = await this.#success({ path: '', what, headers: {}, signal })
      response.drop()
    } catch (error) {
      const isDenied = error instanceof MicrovmError && error.code === 'REGISTRY_DENIED'
      throw isDenied ? wrongPassword(new URL(this.#origin)) : error
    }
  }

  async #success(request: EndpointRequest): Promise<HttpResponse> {
    const response = await this.#ask(request)
    if (response.status === 200 || response.status === 206) return response
    const body = await readAll(response, MAX_ERROR_BYTES).catch(() => Buffer.alloc(0))
    if (this.#learnsOfTls(response, body)) return this.#success(request)
    throw await this.#refusal(response, body, request.what)
  }

  async #ask({ path, headers, scope, signal }: EndpointRequest): Promise<HttpResponse> {
    const { http, now } = this.#deps
    const url = new URL(`/v2/${path}`, this.#origin)
    if ((this.#authorization?.expiresAt ?? Infinity) <= now()) this.#authorization = undefined
    const ask = (): Promise<HttpResponse> =>
      http.get(url, { headers, authorization: this.#authorization?.header, signal })
    const response = await ask()
    // Another server that a redirect led to has no business asking who we are.
    if (response.status !== 401 || response.url.origin !== url.origin) return response
    response.drop()
    this.#authorization = await this.#authorize(url, response, scope, signal)
    return ask()
  }

  /** A registry on this computer is asked by plain HTTP; one that wants HTTPS says so. */
  #learnsOfTls({ status, url }: HttpResponse, body: Buffer): boolean {
    const isPlain = url.protocol === 'http:' && isLoopback(url.hostname)
    const says = /HTTP request to an HTTPS server|plain HTTP/i.test(body.toString('latin1'))
    if (status !== 400 || !isPlain || url.origin !== this.#origin || !says) return false
    this.#origin = `https://${url.host}`
    return true
  }

  async #authorize(
    url: URL,
    response: HttpResponse,
    scope: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Authorization> {
    await this.#lookUp()
    try {
      return await authorize(this.#deps.http, {
        url,
        challenge: response.header('www-authenticate'),
        ...(scope === undefined ? {} : { scope }),
        credential: this.#credential,
        tokenHosts: this.#access.tokenHosts,
        signal,
        now: this.#deps.now,
      })
    } catch (error) {
      throw this.#withProblem(error)
    }
  }

  async #lookUp(): Promise<void> {
    if (this.#hasLooked) return
    this.#hasLooked = true
    try {
      this.#credential = await this.#deps.credentials?.find(this.#access.registry)
    } catch (error) {
      // Most images need none: it is told of only if this one does.
      this.#problem = MicrovmError.from(error)
    }
  }

  #withProblem(error: unknown): unknown {
    const known = error instanceof MicrovmError && error.code === 'REGISTRY_DENIED'
    if (!known || !this.#problem) return error
    return denied(new URL(this.#origin), `No login was sent: ${this.#problem.message}.`)
  }

  async #refusal({ status, url }: HttpResponse, body: Buffer, what: string): Promise<unknown> {
    if (status === 401 || status === 403) return this.#withProblem(denied(url))
    if (status === 404)
      return new MicrovmError('IMAGE_NOT_FOUND', `${url.host} has no ${what}`, {
        hint: 'Check the name and the tag.',
      })
    const { messageOf } = await import('./registry-answers')
    const says = messageOf(body)
    return new MicrovmError(
      'REGISTRY_ERROR',
      `${url.host} answers a request for ${what} with status ${status}${says === undefined ? '' : `: ${says}`}`,
    )
  }
}
