// SPDX-License-Identifier: Apache-2.0
// Reads images from a registry (OCI distribution-spec 1.1, "Pull"): manifests and small blobs
// whole, layers as streams that go on where a broken connection left them. Every digest is checked
// here but that of a streamed blob, which its reader computes anyway.
import { z } from 'zod'
import { MicrovmError } from '../../contract/errors'
import { checkDigest, digestOf, quote } from './digest'
import type { FetchedManifest } from './image-content'
import { MAX_MANIFEST_BYTES } from './limits'
import { manifestMediaTypes } from './manifest'
import { readAll } from './read-all'
import type { ImageReference } from './reference'
import { denied, fetchAnonymousToken } from './registry-auth'
import { createHttpClient, isLoopback, type HttpResponse } from './registry-http'
import { MAX_TRIES, Retryable, waitBefore, withRetries, type RetryOptions } from './retry'

/** What it takes to read one repository. Can be sent to another thread. */
export interface RegistryAccess {
  /** "https://registry.example:5000" */
  readonly origin: string
  readonly repository: string
  /** An Authorization header got before. */
  readonly authorization?: string
}

/** Docker Hub's registry is not at the name it goes by. */
const apiHosts: Partial<Record<string, string>> = { 'docker.io': 'registry-1.docker.io' }
const USER_AGENT = 'microvm-desktop'
/** A connection that brought this much was worth it: the count of failures begins anew. */
const PROGRESS_BYTES = 64 * 1024
const MAX_ERROR_BYTES = 64 * 1024
const errorsSchema = z.object({
  errors: z.array(z.object({ message: z.string().optional() })).min(1),
})

/**
 * HTTPS, but plain HTTP to a registry on this computer.
 * @throws REFERENCE_INVALID for a host or port that cannot be
 */
export function registryAccess({ registry, repository }: ImageReference): RegistryAccess {
  const host = apiHosts[registry] ?? registry
  if (!URL.canParse(`https://${host}`))
    throw new MicrovmError('REFERENCE_INVALID', `${quote(registry)} cannot be a registry's address`)
  const scheme = isLoopback(new URL(`https://${host}`).hostname) ? 'http' : 'https'
  return { origin: `${scheme}://${host}`, repository }
}

export class RegistryClient {
  readonly #access: RegistryAccess
  readonly #retry: Pick<RetryOptions, 'sleep'>
  readonly #http = createHttpClient(USER_AGENT)
  #authorization: string | undefined

  constructor(access: RegistryAccess, retry: Pick<RetryOptions, 'sleep'> = {}) {
    this.#access = access
    this.#retry = retry
    this.#authorization = access.authorization
  }

  /** With the token got so far. */
  get access(): RegistryAccess {
    const { origin, repository } = this.#access
    const authorization = this.#authorization
    return { origin, repository, ...(authorization === undefined ? {} : { authorization }) }
  }

  close(): void {
    this.#http.close()
  }

  /** @param name a tag or a digest */
  async manifest(name: string, signal?: AbortSignal): Promise<FetchedManifest> {
    const separator = name.includes(':') ? '@' : ':'
    const what = `${this.#access.repository}${separator}${name}`
    return withRetries(
      async () => {
        const accept = manifestMediaTypes.join(', ')
        const response = await this.#get(`manifests/${name}`, what, { accept }, signal)
        const bytes = await readAll(response, MAX_MANIFEST_BYTES)
        const digest = digestOf(bytes)
        const told = response.header('docker-content-digest')
        if (separator === '@') checkDigest('the manifest', name, digest)
        if (told?.startsWith('sha256:')) checkDigest('the manifest', told, digest)
        return { bytes, digest, mediaType: response.header('content-type')?.split(';')[0]?.trim() }
      },
      { ...this.#retry, signal },
    )
  }

  /** A small blob, whole and checked. */
  async smallBlob(digest: string, max: number, signal?: AbortSignal): Promise<Buffer> {
    return withRetries(
      async () => {
        const response = await this.#get(`blobs/${digest}`, digest, {}, signal)
        const bytes = await readAll(response, max)
        checkDigest('the blob', digest, digestOf(bytes))
        return bytes
      },
      { ...this.#retry, signal },
    )
  }

  /** Exactly `size` bytes, not checked. */
  async *blob(digest: string, size: number, signal?: AbortSignal): AsyncGenerator<Buffer, void> {
    let received = 0
    for (let failures = 0; ;) {
      const before = received
      try {
        for await (const chunk of this.#blobFrom(digest, received, size, signal)) {
          received += chunk.length
          yield chunk
        }
        return
      } catch (error) {
        if (!(error instanceof Retryable)) throw error
        failures = received - before >= PROGRESS_BYTES ? 1 : failures + 1
        await waitBefore(failures, error, { ...this.#retry, signal })
      }
    }
  }

  /** One try at the bytes from `start` on. */
  async *#blobFrom(
    digest: string,
    start: number,
    size: number,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Buffer, void> {
    const range: Record<string, string> = start === 0 ? {} : { range: `bytes=${start}-` }
    const response = await this.#get(`blobs/${digest}`, digest, range, signal)
    let at = response.status === 206 ? rangeStart(response, start) : 0
    try {
      for await (const chunk of response.body) {
        const fresh = chunk.subarray(Math.max(0, start - at))
        at += chunk.length
        if (at > size) throw wrongSize(digest, `more than ${size}`, size)
        if (fresh.length > 0) yield fresh
      }
    } finally {
      response.drop()
    }
    if (at < size) throw new Retryable(wrongSize(digest, String(at), size))
  }

  /** One try, with a token got on the way if the registry wants one; a success, or its error. */
  async #get(
    path: string,
    what: string,
    headers: Record<string, string>,
    signal: AbortSignal | undefined,
  ): Promise<HttpResponse> {
    const { origin, repository } = this.#access
    const url = new URL(`/v2/${repository}/${path}`, origin)
    const ask = (): Promise<HttpResponse> =>
      this.#http.get(url, { headers, authorization: this.#authorization, signal })
    let response = await ask()
    if (response.status === 401) {
      response.drop()
      const challenge = response.header('www-authenticate')
      const scope = `repository:${repository}:pull`
      this.#authorization = await fetchAnonymousToken(this.#http, url, challenge, scope, signal)
      response = await ask()
    }
    if (response.status === 200 || response.status === 206) return response
    throw await refusal(response, url, what)
  }
}

/** Where the part begins that the server has sent; a server that ignores ranges never gets here. */
function rangeStart(response: HttpResponse, wanted: number): number {
  const range = /^bytes ([0-9]+)-/.exec(response.header('content-range') ?? '')
  if (range && Number(range[1]) === wanted) return wanted
  response.drop()
  throw new MicrovmError(
    'REGISTRY_ERROR',
    'the registry sends another part of the blob than asked for',
  )
}

async function refusal(response: HttpResponse, url: URL, what: string): Promise<MicrovmError> {
  const { status } = response
  const body = await readAll(response, MAX_ERROR_BYTES).catch(() => Buffer.alloc(0))
  if (status === 401 || status === 403) return denied(url)
  if (status === 404)
    return new MicrovmError('IMAGE_NOT_FOUND', `${url.host} has no ${what}`, {
      hint: 'Check the name and the tag.',
    })
  const says = messageOf(body)
  return new MicrovmError(
    'REGISTRY_ERROR',
    `${url.host} answers a request for ${what} with status ${status}${says === undefined ? '' : `: ${quote(says)}`}`,
  )
}

/** What the registry says is wrong (distribution-spec, "Error codes"). */
function messageOf(body: Buffer): string | undefined {
  try {
    return errorsSchema.parse(JSON.parse(body.toString())).errors[0]!.message
  } catch {
    return undefined
  }
}

const wrongSize = (digest: string, actual: string, size: number): MicrovmError =>
  new MicrovmError('DIGEST_MISMATCH', `blob ${digest} has ${actual} bytes in place of ${size}`, {
    hint: `The registry did not send it whole in ${MAX_TRIES} tries, or its manifest is wrong.`,
  })
