// SPDX-License-Identifier: Apache-2.0
// Looking into stored images: folders, changes of each layer, search, content of files. All reading of
// indexes and all work on them is done in a thread of its own, which is started when it is first needed
// and ended, with all it holds, when nothing has been asked for a while.
// What it does not: change anything in the store; say who may look.
import { Worker } from 'node:worker_threads'
import { MicrovmError } from '../../../contract/errors'
import type { FileView, ImageFiles } from '../../../contract/images'
import { entryPoint } from '../../lib/entry-points'
import { saveContent } from './browse-content'
import type { BrowseArgs, BrowseQuery, BrowseResult } from './browse-queries'
import type { BrowseMessage, BrowseReply } from './browse-server'
import type { ImageOperation, ImageStore } from '../image-store'

export interface ImageBrowser {
  /**
   * What an image's layers did. Its `digest` names the image in all other calls.
   * @throws IMAGE_NOT_FOUND
   */
  open(reference: string, signal?: AbortSignal): Promise<ImageFiles>
  /** Any question about its files (browse-queries.ts). */
  ask<Q extends BrowseQuery>(
    digest: string,
    query: Q,
    args: BrowseArgs<Q>,
    signal?: AbortSignal,
  ): Promise<BrowseResult<Q>>
  /** Copies a file to a place the user has chosen (`saveContent`). */
  save(file: FilePlace, target: string, options: ImageOperation): Promise<void>
  close(): Promise<void>
}

export interface FilePlace {
  readonly digest: string
  readonly view: FileView
  readonly path: string
}

/** A thread seen from outside. */
export interface BrowseThread {
  postMessage(message: BrowseMessage): void
  on(event: 'message', listener: (reply: BrowseReply) => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'exit', listener: () => void): unknown
  terminate(): Promise<unknown>
}

export interface ImageBrowserDeps {
  readonly find: ImageStore['find']
  /** The store's folder of layers. */
  readonly layersFolder: string
  /** How a thread is started; for real unless given. */
  readonly start?: (layersFolder: string) => BrowseThread
  readonly idleMs?: number
}

interface Waiting {
  readonly thread: BrowseThread
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
}

const IDLE_MS = 2 * 60_000
/** An image of a million files takes some hundred MiB; beyond this the thread ends, the app does not. */
const MAX_HEAP_MIB = 2048
const DIGESTS_KEPT = 64

export function createImageBrowser(deps: ImageBrowserDeps): ImageBrowser {
  return new Browser(deps)
}

class Browser implements ImageBrowser {
  readonly #deps: ImageBrowserDeps
  /** Layers of the images that were opened, by digest. */
  readonly #diffIds = new Map<string, readonly string[]>()
  readonly #waiting = new Map<number, Waiting>()
  #thread: BrowseThread | undefined
  #idle: NodeJS.Timeout | undefined
  #lastId = 0

  constructor(deps: ImageBrowserDeps) {
    this.#deps = deps
  }

  async open(reference: string, signal?: AbortSignal): Promise<ImageFiles> {
    const digest = await this.#find(reference)
    return { digest, ...(await this.ask(digest, 'summary', undefined, signal)) }
  }

  async ask<Q extends BrowseQuery>(
    digest: string,
    query: Q,
    args: BrowseArgs<Q>,
    signal?: AbortSignal,
  ): Promise<BrowseResult<Q>> {
    if (!this.#diffIds.has(digest)) await this.#find(digest)
    signal?.throwIfAborted()
    const id = ++this.#lastId
    const thread = this.#running()
    const cancel = (): void => thread.postMessage({ cancel: id })
    signal?.addEventListener('abort', cancel, { once: true })
    clearTimeout(this.#idle)
    try {
      return await new Promise<BrowseResult<Q>>((resolve, reject) => {
        this.#waiting.set(id, { thread, resolve: resolve as Waiting['resolve'], reject })
        thread.postMessage({ id, query, args, diffIds: this.#diffIds.get(digest)! })
      })
    } finally {
      signal?.removeEventListener('abort', cancel)
      this.#waiting.delete(id)
      if (this.#waiting.size === 0) this.#restAwhile()
    }
  }

  async save(file: FilePlace, target: string, options: ImageOperation): Promise<void> {
    const { digest, view, path } = file
    const { signal = new AbortController().signal, onProgress } = options
    const content = await this.ask(digest, 'content', { view, path }, signal)
    const message = `Saving ${content.path}`
    await saveContent(content, target, {
      signal,
      onBytes: (bytes) => onProgress?.({ stage: 'image', message, fraction: bytes / content.size }),
    })
  }

  async close(): Promise<void> {
    clearTimeout(this.#idle)
    const thread = this.#thread
    this.#thread = undefined
    await thread?.terminate()
  }

  /** @returns the image's digest, by which its layers are known from now on */
  async #find(reference: string): Promise<string> {
    const image = await this.#deps.find(reference)
    if (image === undefined)
      throw new MicrovmError('IMAGE_NOT_FOUND', `the image ${reference} is not on this computer`, {
        hint: 'Pull or import it first.',
      })
    const { digest, layers } = image.view
    this.#diffIds.delete(digest)
    this.#diffIds.set(
      digest,
      layers.map(({ diffId }) => diffId),
    )
    if (this.#diffIds.size > DIGESTS_KEPT) this.#diffIds.delete(this.#diffIds.keys().next().value!)
    return digest
  }

  #running(): BrowseThread {
    if (this.#thread) return this.#thread
    const thread = (this.#deps.start ?? startWorker)(this.#deps.layersFolder)
    this.#thread = thread
    let failure: Error = new MicrovmError('CANCELLED', 'cancelled')
    thread.on('message', (reply) => {
      const waiting = this.#waiting.get(reply.id)
      if ('error' in reply) waiting?.reject(MicrovmError.fromWire(reply.error))
      else waiting?.resolve(reply.value)
    })
    thread.on('error', (error) => (failure = explain(error)))
    thread.on('exit', () => {
      if (this.#thread === thread) this.#thread = undefined
      for (const waiting of this.#waiting.values())
        if (waiting.thread === thread) waiting.reject(failure)
    })
    return thread
  }

  #restAwhile(): void {
    clearTimeout(this.#idle)
    this.#idle = setTimeout(() => void this.close(), this.#deps.idleMs ?? IDLE_MS)
    this.#idle.unref()
  }
}

function startWorker(layersFolder: string): BrowseThread {
  return new Worker(entryPoint('browse-worker'), {
    workerData: layersFolder,
    resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MIB },
  })
}

function explain(error: Error): MicrovmError {
  if ((error as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY')
    return new MicrovmError('IMAGE_TOO_LARGE', 'the image has too many files to browse')
  return MicrovmError.from(error)
}
