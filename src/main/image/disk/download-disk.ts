// SPDX-License-Identifier: Apache-2.0
// Brings a file from a URL, however often the connection breaks.
// - What has come lies in a file (the part) and is gone on from, in this try or by the next process:
//   by Range, with If-Range naming the version it is of (RFC 9110, 13.1.5, 14). A server that has
//   another version by now, or ignores Range, makes us begin anew. Without a version to name nothing
//   is gone on from: two files could be mixed.
// - After a failure that may pass it waits 2 s, then twice as long each time, up to 30 s or what the
//   server asks for, and gives up after 3 minutes in which nothing worth mentioning has come.
// Whoever calls it holds the part's lock (registry/blob-part.ts), and checks what came.
import { open, readFile, rm, stat, truncate } from 'node:fs/promises'
import { setTimeout as sleepFor } from 'node:timers/promises'
import { z } from 'zod'
import { MicrovmError } from '../../../contract/errors'
import { writeFileAtomic } from '../../lib/atomic-file'
import { createHttpClient, type HttpClient, type HttpResponse } from '../registry/registry-http'
import type { NetworkSettings } from '../registry/registry-network'
import { backoff, Retryable } from '../registry/retry'
import { gib } from './unpack-disk'

const WAITS = { firstMs: 2000, longestMs: 30_000 }
const PATIENCE_MS = 180_000
/** So much has to come for the patience to be new: a server could send a byte at a time for ever. */
const PROGRESS_BYTES = 64 * 1024

export interface DownloadJob {
  readonly url: string
  readonly network: NetworkSettings
  /** Exists; belongs to this download alone. */
  readonly partPath: string
  readonly maxBytes: number
}

export interface DownloadOptions {
  readonly signal: AbortSignal
  /** @param total 0 if the server does not say */
  readonly onBytes?: ((bytes: number, total: number) => void) | undefined
  /** Given by tests. */
  readonly http?: HttpClient
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>
  readonly now?: () => number
}

/** What is known of the version that the part is of. */
const versionSchema = z.object({
  version: z.literal(1),
  url: z.string(),
  /** For If-Range: an ETag that is strong, else the date of the last change. */
  validator: z.string().optional(),
  total: z.number().int().nonnegative().optional(),
})
type PartVersion = z.infer<typeof versionSchema>

/** The file beside the part that says what it is of. */
export const versionPath = (partPath: string): string => `${partPath}.json`

/**
 * The whole file at `partPath` when this resolves.
 * @throws IMAGE_NOT_FOUND, REGISTRY_UNREACHABLE, REGISTRY_DENIED, REGISTRY_ERROR, IMAGE_TOO_LARGE,
 *   CANCELLED, system errors
 */
export async function downloadDisk(job: DownloadJob, options: DownloadOptions): Promise<void> {
  const { signal, now = () => performance.now(), sleep = sleepUntil } = options
  const http = options.http ?? createHttpClient(job.network)
  const patience = new Patience(now)
  const onBytes = (bytes: number, total: number): void => {
    patience.come(bytes)
    options.onBytes?.(bytes, total)
  }
  try {
    for (;;)
      try {
        return await new Transfer(job, http, signal, onBytes).run()
      } catch (error) {
        if (!(error instanceof Retryable)) throw error
        await sleep(patience.waitAfter(error), signal)
      }
  } finally {
    if (!options.http) http.close()
  }
}

class Patience {
  readonly #now: () => number
  #since: number
  #bytes = 0
  #failures = 0

  constructor(now: () => number) {
    this.#now = now
    this.#since = now()
  }

  come(bytes: number): void {
    // Fewer than before: it has begun anew, which is no progress.
    if (bytes < this.#bytes) this.#bytes = bytes
    if (bytes < this.#bytes + PROGRESS_BYTES) return
    this.#bytes = bytes
    this.#since = this.#now()
    this.#failures = 0
  }

  /** @throws when there is none left */
  waitAfter({ cause, retryAfterMs }: Retryable): number {
    this.#failures++
    const wait = retryAfterMs ?? backoff(this.#failures, WAITS)
    if (this.#now() + wait - this.#since <= PATIENCE_MS) return wait
    const asks = `The server asks to wait ${Math.ceil((retryAfterMs ?? 0) / 60_000)} minutes.`
    throw new MicrovmError(cause.code, cause.message, {
      hint: `${retryAfterMs === undefined ? 'Check the address and this computer’s network connection.' : asks} What has come is kept: the next try goes on from there.`,
      cause,
    })
  }
}

/** One try. */
class Transfer {
  readonly #job: DownloadJob
  readonly #http: HttpClient
  readonly #signal: AbortSignal
  readonly #onBytes: (bytes: number, total: number) => void

  constructor(
    job: DownloadJob,
    http: HttpClient,
    signal: AbortSignal,
    onBytes: (bytes: number, total: number) => void,
  ) {
    this.#job = job
    this.#http = http
    this.#signal = signal
    this.#onBytes = onBytes
  }

  async run(): Promise<void> {
    const { url, partPath } = this.#job
    const { size: present } = await stat(partPath)
    const version = present === 0 ? undefined : await readVersion(partPath, url)
    if (version?.validator === undefined) return this.#fromStart()
    if (present === version.total) return
    const response = await this.#get({
      range: `bytes=${present}-`,
      'if-range': version.validator,
    })
    if (response.status === 206) return this.#goOn(response, present, version)
    if (response.status !== 416) return this.#take(response)
    // There is nothing behind what is here: it is all, or more than all.
    response.drop()
    if (response.header('content-range') === `bytes */${present}`) return
    return this.#fromStart()
  }

  async #fromStart(): Promise<void> {
    return this.#take(await this.#get({}))
  }

  /** The bytes as they are published, which is what their checksum is of. */
  #get(headers: Readonly<Record<string, string>>): Promise<HttpResponse> {
    const own = { 'accept-encoding': 'identity', accept: '*/*' }
    return this.#http.get(new URL(this.#job.url), {
      headers: { ...own, ...headers },
      signal: this.#signal,
    })
  }

  /** A whole file. */
  async #take(response: HttpResponse): Promise<void> {
    if (response.status !== 200) throw refusal(response)
    const { url, partPath } = this.#job
    const total = lengthOf(response.header('content-length'))
    const validator = validatorOf(response)
    try {
      this.#checkSize(total)
      // In this order: a part is never taken to be of a version that it is not of.
      await rm(versionPath(partPath), { force: true })
      await truncate(partPath)
      const version = { version: 1, url, validator, total } satisfies PartVersion
      await writeFileAtomic(versionPath(partPath), `${JSON.stringify(version)}\n`)
    } catch (error) {
      response.drop()
      throw error
    }
    await this.#receive(response, 0, total)
  }

  /** The rest of a file. @throws REGISTRY_ERROR, with the part emptied, for another part of it */
  async #goOn(response: HttpResponse, present: number, version: PartVersion): Promise<void> {
    const range = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(response.header('content-range') ?? '')
    const [, first, last, whole] = range ?? []
    const total = lengthOf(whole)
    const validator = validatorOf(response)
    if (validator !== undefined && validator !== version.validator) {
      // It knows Range, but not If-Range.
      response.drop()
      return this.#fromStart()
    }
    const fits =
      Number(first) === present &&
      (total === undefined || Number(last) === total - 1) &&
      (version.total === undefined || total === undefined || total === version.total)
    if (!fits) {
      response.drop()
      await truncate(this.#job.partPath)
      throw new MicrovmError(
        'REGISTRY_ERROR',
        `${response.url.host} sends another part of the file than it was asked for`,
        { hint: 'Try again; it begins anew then. If it stays so, tell whoever runs the server.' },
      )
    }
    await this.#receive(response, present, total ?? version.total)
  }

  async #receive(response: HttpResponse, start: number, total: number | undefined): Promise<void> {
    const file = await open(this.#job.partPath, 'a')
    let at = start
    try {
      for await (const chunk of response.body) {
        this.#checkSize(at + chunk.length)
        for (let done = 0; done < chunk.length;)
          done += (await file.write(chunk, done)).bytesWritten
        at += chunk.length
        this.#onBytes(at, total ?? 0)
      }
    } finally {
      await file.close()
    }
    if (total !== undefined && at !== total)
      throw new Retryable(
        new MicrovmError(
          'REGISTRY_UNREACHABLE',
          `${response.url.host} stopped sending after ${at} of ${total} bytes`,
        ),
      )
  }

  #checkSize(bytes: number | undefined): void {
    const { maxBytes } = this.#job
    if (bytes !== undefined && bytes > maxBytes)
      throw new MicrovmError('IMAGE_TOO_LARGE', `the file has more than ${gib(maxBytes)} GiB`)
  }
}

async function readVersion(partPath: string, url: string): Promise<PartVersion | undefined> {
  try {
    const found = versionSchema.parse(JSON.parse(await readFile(versionPath(partPath), 'utf8')))
    return found.url === url ? found : undefined
  } catch {
    // Not there, or not whole: the download begins anew.
    return undefined
  }
}

/** An ETag that is strong (RFC 9110, 8.8.3), else the last change: for the same bytes, both stay. */
function validatorOf(response: HttpResponse): string | undefined {
  const etag = response.header('etag')
  if (etag !== undefined && /^"[^"]*"$/.test(etag)) return etag
  return response.header('last-modified')
}

const lengthOf = (text: string | undefined): number | undefined =>
  text !== undefined && /^[0-9]{1,15}$/.test(text) ? Number(text) : undefined

function refusal(response: HttpResponse): MicrovmError {
  response.drop()
  const { url, status } = response
  if (status === 401 || status === 403)
    return new MicrovmError('REGISTRY_DENIED', `${url.host} does not let you read this file`, {
      hint: 'Disk images are asked for without a login. Download it yourself, then: microvm disk import FILE.',
    })
  if (status === 404 || status === 410)
    return new MicrovmError('IMAGE_NOT_FOUND', `${url.host} has no such file`, {
      hint: 'Check the address: publishers remove old versions.',
    })
  return new MicrovmError('REGISTRY_ERROR', `${url.host} answers with status ${status}`)
}

async function sleepUntil(ms: number, signal: AbortSignal): Promise<void> {
  await sleepFor(ms, undefined, { signal })
}
