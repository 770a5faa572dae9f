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

export interface RegistryClient {
  /** With the token got so far. */
  readonly access: RegistryAccess
  /** @param name a tag or a digest */
  manifest(name: string, signal?: AbortSignal): Promise<FetchedManifest>
  /** A small blob, whole and checked. */
  smallBlob(digest: string, max: number, signal?: AbortSignal): Promise<Buffer>
  /** Exactly `size` bytes, not checked. */
  blob(digest: string, size: number, signal?: AbortSignal): AsyncGenerator<Buffer, void>
  close(): void
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

export function createRegistryClient(
  access: RegistryAccess,
  retry: Pick<RetryOptions, 'sleep'> = {},
): RegistryClient {
  const http = createHttpClient(USER_AGENT)
  const { origin, repository } = access
  let authorization = access.authorization

  /** One try, with a token got on the way if the registry wants one. */
  async function get(
    path: string,
    headers: Record<string, string>,
    signal: AbortSignal | undefined,
  ): Promise<HttpResponse> {
    const url = new URL(`/v2/${repository}/${path}`, origin)
    const first = await http.get(url, { headers, authorization, signal })
    if (first.status !== 401) return first
    first.drop()
    authorization = await fetchAnonymousToken(
      http,
      url,
      first.header('www-authenticate'),
      `repository:${repository}:pull`,
      signal,
    )
    return http.get(url, { headers, authorization, signal })
  }

  /** The response if it is a success, its error otherwise. */
  async function expectOk(response: HttpResponse, what: string): Promise<HttpResponse> {
    if (response.status === 200 || response.status === 206) return response
    throw await refusal(response, new URL(origin), what)
  }

  async function manifest(name: string, signal?: AbortSignal): Promise<FetchedManifest> {
    return withRetries(
      async () => {
        const headers = { accept: manifestMediaTypes.join(', ') }
        const what = `${repository}${name.includes(':') ? '@' : ':'}${name}`
        const response = await expectOk(await get(`manifests/${name}`, headers, signal), what)
        const bytes = await readAll(response, MAX_MANIFEST_BYTES)
        const digest = digestOf(bytes)
        const told = response.header('docker-content-digest')
        if (name.includes(':')) checkDigest('the manifest', name, digest)
        if (told?.startsWith('sha256:')) checkDigest('the manifest', told, digest)
        return { bytes, digest, mediaType: response.header('content-type')?.split(';')[0]?.trim() }
      },
      { ...retry, signal },
    )
  }

  async function smallBlob(digest: string, max: number, signal?: AbortSignal): Promise<Buffer> {
    return withRetries(
      async () => {
        const response = await expectOk(await get(`blobs/${digest}`, {}, signal), digest)
        const bytes = await readAll(response, max)
        checkDigest('the blob', digest, digestOf(bytes))
        return bytes
      },
      { ...retry, signal },
    )
  }

  async function* blob(
    digest: string,
    size: number,
    signal?: AbortSignal,
  ): AsyncGenerator<Buffer, void> {
    let received = 0
    for (let failures = 0; ;) {
      const before = received
      try {
        for await (const chunk of blobFrom(digest, received, size, signal)) {
          received += chunk.length
          yield chunk
        }
        return
      } catch (error) {
        if (!(error instanceof Retryable)) throw error
        failures = received - before >= PROGRESS_BYTES ? 1 : failures + 1
        await waitBefore(failures, error, { ...retry, signal })
      }
    }
  }

  /** One try at the bytes from `start` on. */
  async function* blobFrom(
    digest: string,
    start: number,
    size: number,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Buffer, void> {
    const range: Record<string, string> = start === 0 ? {} : { range: `bytes=${start}-` }
    const response = await expectOk(await get(`blobs/${digest}`, range, signal), digest)
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

  return {
    get access() {
      return { origin, repository, ...(authorization === undefined ? {} : { authorization }) }
    },
    manifest,
    smallBlob,
    blob,
    close: () => http.close(),
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
