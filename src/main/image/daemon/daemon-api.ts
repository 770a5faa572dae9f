// SPDX-License-Identifier: Apache-2.0
// Three calls of the Docker Engine API (docs.docker.com/reference/api/engine), which Podman serves as
// well: GET /_ping, /images/NAME/json, /images/NAME/get. Over a Unix socket, by HTTP, without a version
// in the path: these have meant the same in every one. Answers are bounded in time and size.
import { z } from 'zod'
import type { Agent } from 'undici'
import { MicrovmError } from '../../../contract/errors'
import { digestSchema } from '../../../contract/images'
import { quote } from '../digest'
import { parseJson } from '../manifest'
import type { Platform } from '../platform'
import { readAll } from '../read-all'
import { Exchange, type Head } from '../registry/registry-exchange'

export type DaemonName = 'Docker' | 'Podman'

export interface DaemonImage {
  /** Of its config; where Docker keeps images in containerd, of its index or manifest. */
  readonly id: string
  /** As the daemon spells them: Docker the short form, Podman the full one. */
  readonly names: readonly string[]
  readonly platform: Platform
  /** Of its layers, in bytes, as the daemon counts. */
  readonly bytes: number
}

export interface DaemonTimeouts {
  /** Until there is a connection, and until the answer to a question begins. */
  readonly answerMs: number
  /** Until an archive begins: Podman writes all of it to its own disk first. */
  readonly archiveMs: number
  /** Between any two pieces of an answer. */
  readonly idleMs: number
}

export const usualTimeouts: DaemonTimeouts = {
  answerMs: 10_000,
  archiveMs: 600_000,
  idleMs: 60_000,
}

const MAX_ANSWER_BYTES = 4 * 1024 * 1024
/** Nobody is asked by it: the socket says where to connect. */
const ORIGIN = 'http://localhost'

const imageSchema = z.object({
  /** Older versions of Podman leave the algorithm out. */
  Id: z
    .string()
    .transform((id) => (id.includes(':') ? id : `sha256:${id}`))
    .pipe(digestSchema),
  RepoTags: z.array(z.string()).nullish(),
  Os: z.string(),
  Architecture: z.string(),
  Variant: z.string().nullish(),
  Size: z.number().nonnegative().nullish(),
})

export class DaemonApi {
  readonly #socketPath: string
  readonly #timeouts: DaemonTimeouts
  readonly #signal: AbortSignal
  #agent: Agent | undefined

  /** To be closed. @param signal ends whatever is under way */
  constructor(socketPath: string, signal: AbortSignal, timeouts: DaemonTimeouts) {
    this.#socketPath = socketPath
    this.#signal = signal
    this.#timeouts = timeouts
  }

  /**
   * Who answers.
   * @returns undefined if nobody does, or we may not ask
   * @throws REGISTRY_ERROR for an answer that is none, TIMEOUT, CANCELLED, as all calls here
   */
  async ping(): Promise<DaemonName | undefined> {
    try {
      const answer = await this.#get('/_ping', this.#timeouts.answerMs)
      await readAll(answer, MAX_ANSWER_BYTES)
      if (answer.status !== 200) throw this.#failed(`status ${answer.status}`)
      return answer.headers['libpod-api-version'] === undefined ? 'Docker' : 'Podman'
    } catch (error) {
      const { code = '' } = ((error as Error).cause ?? {}) as NodeJS.ErrnoException
      if (['ECONNREFUSED', 'ENOENT', 'EACCES', 'EPERM'].includes(code)) return undefined
      throw error
    }
  }

  /** @param name canonical, or with a digest; its grammar leaves nothing to escape in a path */
  async inspect(name: string): Promise<DaemonImage | undefined> {
    const answer = await this.#get(`/images/${name}/json`, this.#timeouts.answerMs)
    const body = await readAll(answer, MAX_ANSWER_BYTES)
    if (answer.status === 404) return undefined
    if (answer.status !== 200) throw this.#refused(answer.status, body)
    const parsed = imageSchema.safeParse(parseJson(body))
    if (!parsed.success)
      throw this.#failed(
        `what is no image (${z.prettifyError(parsed.error).split('\n').join(' ')})`,
      )
    const { Architecture, Id, Os, RepoTags, Size, Variant } = parsed.data
    return {
      id: Id,
      names: RepoTags ?? [],
      platform: { os: Os, architecture: Architecture, variant: Variant || undefined },
      bytes: Size ?? 0,
    }
  }

  /** The image as `docker save` writes it; unbounded, to be read once. */
  async *save(id: string): AsyncGenerator<Buffer, void> {
    const answer = await this.#get(`/images/${id}/get`, this.#timeouts.archiveMs)
    if (answer.status !== 200)
      throw this.#refused(answer.status, await readAll(answer, MAX_ANSWER_BYTES))
    yield* answer.body
  }

  close(): void {
    void this.#agent?.destroy()
  }

  async #get(
    path: string,
    headersTimeout: number,
  ): Promise<Head & { body: AsyncIterable<Buffer> }> {
    const exchange = new Exchange(this.#signal)
    const agent = await this.#connect()
    try {
      agent.dispatch({ origin: ORIGIN, path, method: 'GET', headersTimeout }, exchange)
      return { ...(await exchange.head), body: this.#body(exchange) }
    } catch (error) {
      throw this.#networkError(error)
    }
  }

  async *#body(exchange: Exchange): AsyncGenerator<Buffer, void> {
    try {
      for (;;) {
        const chunk = await exchange.next()
        if (chunk === undefined) return
        yield chunk
      }
    } catch (error) {
      throw this.#networkError(error)
    } finally {
      exchange.drop()
    }
  }

  async #connect(): Promise<Agent> {
    const { default: UndiciAgent } = await import('undici/lib/dispatcher/agent.js')
    const { answerMs: timeout, idleMs: bodyTimeout } = this.#timeouts
    const connect = { timeout, socketPath: this.#socketPath }
    return (this.#agent ??= new UndiciAgent({ bodyTimeout, connect }))
  }

  #refused(status: number, body: Buffer): MicrovmError {
    const { message } = messageSchema.catch({}).parse(jsonOf(body))
    const why = message === undefined ? '' : `: ${quote(message)}`
    return this.#failed(`status ${status}${why}`)
  }

  #failed(what: string, cause?: unknown): MicrovmError {
    return new MicrovmError('REGISTRY_ERROR', `${this.#socketPath} answers with ${what}`, { cause })
  }

  #networkError(error: unknown): MicrovmError {
    if (this.#signal.aborted) return new MicrovmError('CANCELLED', 'cancelled', { cause: error })
    const { code = '', message } = error as NodeJS.ErrnoException
    if (/^UND_ERR_\w+_TIMEOUT$/.test(code))
      return new MicrovmError('TIMEOUT', `${this.#socketPath} does not answer`, { cause: error })
    return new MicrovmError('REGISTRY_ERROR', `${this.#socketPath} broke off: ${message}`, {
      cause: error,
    })
  }
}

const messageSchema = z.object({ message: z.string().optional() })

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString())
  } catch {
    return {}
  }
}
