// SPDX-License-Identifier: Apache-2.0
// Reads images from a registry (OCI distribution-spec 1.1, "Pull"), or from its mirrors before it:
// manifests and small blobs whole, layers as streams that go on where a broken connection left them.
// Every digest is checked here but that of a streamed blob, which its reader computes anyway.
// Mirrors get one try each; what one does not have, or has wrong, the next one is asked for.
import { MicrovmError } from '../../../contract/errors'
import type { CredentialSource } from './credentials'
import { checkDigest, digestOf } from '../digest'
import type { FetchedManifest } from '../image-content'
import { MAX_MANIFEST_BYTES } from '../limits'
import { manifestMediaTypes } from '../media-types'
import { readAll } from '../read-all'
import type { RegistryAccess } from './registry-access'
import { RegistryEndpoint } from './registry-endpoint'
import { createHttpClient, type HttpClient, type HttpResponse } from './registry-http'
import type { NetworkSettings } from './registry-network'
import { MAX_TRIES, Retryable, waitBefore, withRetries, type RetryOptions } from './retry'

export interface ClientDeps extends Pick<RetryOptions, 'sleep'> {
  readonly credentials?: CredentialSource
  /** Given by tests. */
  readonly timeoutMs?: number
  readonly now?: () => number
}

/** A connection that brought this much was worth it: the count of failures begins anew. */
const PROGRESS_BYTES = 64 * 1024

export class RegistryClient {
  readonly #network: NetworkSettings
  readonly #retry: Pick<RetryOptions, 'sleep'>
  readonly #http: HttpClient
  readonly #endpoints: readonly RegistryEndpoint[]
  /** Mirrors that failed as such are not asked again. */
  #first = 0

  constructor({ endpoints, network }: RegistryAccess, deps: ClientDeps = {}) {
    this.#network = network
    this.#retry = { sleep: deps.sleep }
    this.#http = createHttpClient(network, deps.timeoutMs)
    const { credentials, now = Date.now } = deps
    const shared = { http: this.#http, credentials, now }
    this.#endpoints = endpoints.map((endpoint) => new RegistryEndpoint(endpoint, shared))
  }

  /** With the authorization got so far, and without mirrors that have failed. */
  get access(): RegistryAccess {
    const endpoints = this.#endpoints.slice(this.#first).map(({ access }) => access)
    return { endpoints, network: this.#network }
  }

  close(): void {
    this.#http.close()
  }

  /** @param name a tag or a digest */
  async manifest(name: string, signal?: AbortSignal): Promise<FetchedManifest> {
    const separator = name.includes(':') ? '@' : ':'
    const headers = { accept: manifestMediaTypes.join(', ') }
    return this.#each(signal, async (endpoint) => {
      const what = `${endpoint.repository}${separator}${name}`
      const response = await endpoint.get(`manifests/${name}`, what, headers, signal)
      const bytes = await readAll(response, MAX_MANIFEST_BYTES)
      const digest = digestOf(bytes)
      const told = response.header('docker-content-digest')
      if (separator === '@') checkDigest('the manifest', name, digest)
      if (told?.startsWith('sha256:')) checkDigest('the manifest', told, digest)
      return { bytes, digest, mediaType: response.header('content-type')?.split(';')[0]?.trim() }
    })
  }

  /** A small blob, whole and checked. */
  async smallBlob(digest: string, max: number, signal?: AbortSignal): Promise<Buffer> {
    return this.#each(signal, async (endpoint) => {
      const response = await endpoint.get(`blobs/${digest}`, digest, {}, signal)
      const bytes = await readAll(response, max)
      checkDigest('the blob', digest, digestOf(bytes))
      return bytes
    })
  }

  /** Whether the registry takes the login that `credentials` has. @throws REGISTRY_DENIED */
  async checkLogin(signal?: AbortSignal): Promise<void> {
    const last = this.#endpoints.at(-1)!
    await withRetries(() => last.checkLogin(signal), { ...this.#retry, signal })
  }

  /** The bytes of a blob from `start` to its end, `size`; not checked. */
  async *blob(
    digest: string,
    size: number,
    { start = 0, signal }: { start?: number; signal?: AbortSignal } = {},
  ): AsyncGenerator<Buffer, void> {
    let received = start
    let turn = this.#first
    for (let failures = 0; ;) {
      const before = received
      const isLast = turn === this.#endpoints.length - 1
      try {
        const endpoint = this.#endpoints[turn]!
        for await (const chunk of blobFrom(endpoint, digest, received, size, signal)) {
          received += chunk.length
          yield chunk
        }
        return
      } catch (error) {
        if (!isLast && !isCancelled(error)) {
          turn++
          continue
        }
        if (!(error instanceof Retryable)) throw error
        failures = received - before >= PROGRESS_BYTES ? 1 : failures + 1
        await waitBefore(failures, error, { ...this.#retry, signal })
      }
    }
  }

  /** Asks one after the other; the registry itself more than once if need be. */
  async #each<T>(
    signal: AbortSignal | undefined,
    work: (endpoint: RegistryEndpoint) => Promise<T>,
  ): Promise<T> {
    const last = this.#endpoints.length - 1
    for (let turn = this.#first; turn < last; turn++) {
      try {
        return await work(this.#endpoints[turn]!)
      } catch (error) {
        if (isCancelled(error)) throw error
        const isMissing = error instanceof MicrovmError && error.code === 'IMAGE_NOT_FOUND'
        if (!isMissing && turn === this.#first) this.#first++
      }
    }
    return withRetries(() => work(this.#endpoints[last]!), { ...this.#retry, signal })
  }
}

const isCancelled = (error: unknown): boolean => MicrovmError.from(error).code === 'CANCELLED'

/** One try at the bytes from `start` on. */
async function* blobFrom(
  endpoint: RegistryEndpoint,
  digest: string,
  start: number,
  size: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Buffer, void> {
  if (start === size) return
  const range: Record<string, string> = start === 0 ? {} : { range: `bytes=${start}-` }
  const response = await endpoint.get(`blobs/${digest}`, digest, range, signal)
  let at = response.status === 206 ? rangeStart(response, start, size) : 0
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

/** Where the part begins that the server has sent (RFC 9110, 14.4); one that ignores ranges never gets here. */
function rangeStart(response: HttpResponse, wanted: number, size: number): number {
  const range = /^bytes ([0-9]+)-[0-9]+\/([0-9]+|\*)$/.exec(response.header('content-range') ?? '')
  const isWhole = range?.[2] === '*' || Number(range?.[2]) === size
  if (range && isWhole && Number(range[1]) === wanted) return wanted
  response.drop()
  throw new MicrovmError(
    'REGISTRY_ERROR',
    'the registry sends another part of the blob than asked for',
  )
}

const wrongSize = (digest: string, actual: string, size: number): MicrovmError =>
  new MicrovmError('DIGEST_MISMATCH', `blob ${digest} has ${actual} bytes in place of ${size}`, {
    hint: `The registry did not send it whole in ${MAX_TRIES} tries, or its manifest is wrong.`,
  })
