// SPDX-License-Identifier: Apache-2.0
// One registry or mirror, as far as one repository goes: requests, with authorization got on the way
// when it is asked for, and again once when it has run out.
import { MicrovmError } from '../../contract/errors'
import type { Credential, CredentialSource } from './credentials'
import { readAll } from './read-all'
import type { EndpointAccess } from './registry-access'
import { authorize, wrongPassword, type Authorization } from './registry-auth'
import { denied, messageOf } from './registry-errors'
import type { HttpClient, HttpResponse } from './registry-http'

export interface EndpointDeps {
  readonly http: HttpClient
  /** Asked once, when the registry first demands authorization. */
  readonly credentials?: CredentialSource | undefined
  readonly now: () => number
}

const MAX_ERROR_BYTES = 64 * 1024

export class RegistryEndpoint {
  readonly #access: EndpointAccess
  readonly #deps: EndpointDeps
  #authorization: Authorization | undefined
  #credential: Credential | undefined
  #hasLooked = false
  /** Why the credential could not be read. */
  #problem: MicrovmError | undefined

  constructor(access: EndpointAccess, deps: EndpointDeps) {
    this.#access = access
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
      ...(authorization === undefined ? {} : { authorization }),
      ...(credential === undefined ? {} : { credential }),
    }
  }

  get host(): string {
    return new URL(this.#access.origin).host
  }

  get repository(): string {
    return this.#access.repository
  }

  /**
   * One try at a part of the repository ("manifests/latest"); a success, or its error.
   * @param what it is, for people
   */
  async get(
    path: string,
    what: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal | undefined,
  ): Promise<HttpResponse> {
    const url = new URL(`/v2/${this.repository}/${path}`, this.#access.origin)
    const response = await this.#ask(url, headers, `repository:${this.repository}:pull`, signal)
    if (response.status === 200 || response.status === 206) return response
    throw await this.#refusal(response, what)
  }

  /** Whether the registry takes the login it was given. @throws REGISTRY_DENIED if not, and as `get` */
  async checkLogin(signal: AbortSignal | undefined): Promise<void> {
    const url = new URL('/v2/', this.#access.origin)
    const response = await this.#ask(url, {}, undefined, signal)
    if (response.status === 401 || response.status === 403) {
      response.drop()
      throw wrongPassword(url)
    }
    if (response.status !== 200) throw await this.#refusal(response, 'registry API (/v2/)')
    response.drop()
  }

  async #ask(
    url: URL,
    headers: Readonly<Record<string, string>>,
    scope: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<HttpResponse> {
    const { http, now } = this.#deps
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
    return denied(new URL(this.#access.origin), `No login was sent: ${this.#problem.message}.`)
  }

  async #refusal(response: HttpResponse, what: string): Promise<unknown> {
    const { status, url } = response
    const body = await readAll(response, MAX_ERROR_BYTES).catch(() => Buffer.alloc(0))
    if (status === 401 || status === 403) return this.#withProblem(denied(url))
    if (status === 404)
      return new MicrovmError('IMAGE_NOT_FOUND', `${url.host} has no ${what}`, {
        hint: 'Check the name and the tag.',
      })
    const says = messageOf(body)
    return new MicrovmError(
      'REGISTRY_ERROR',
      `${url.host} answers a request for ${what} with status ${status}${says === undefined ? '' : `: ${says}`}`,
    )
  }
}
