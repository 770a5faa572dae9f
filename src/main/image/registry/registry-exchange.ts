// SPDX-License-Identifier: Apache-2.0
// One request and its answer, through undici's own way of handing them out: pieces as they come from
// the socket, without the streams in between. A little more than what was asked for is held; then
// the server has to wait.
import type { IncomingHttpHeaders } from 'node:http'
import type { Dispatcher } from 'undici'

export interface Head {
  readonly status: number
  readonly headers: IncomingHttpHeaders
}

/** Held for a reader who is busy, in bytes. He gets all of it in one piece: fewer are faster. */
const AHEAD_BYTES = 512 * 1024
/** As much is read and forgotten sooner than a connection is given up for it. */
const READ_TO_THE_END_BYTES = 64 * 1024

export class Exchange implements Dispatcher.DispatchHandler {
  /** @throws errors of the network and of undici, the signal's reason */
  readonly head: Promise<Head>
  #resolve!: (head: Head) => void
  #reject!: (error: Error) => void
  readonly #signal: AbortSignal | undefined
  #controller: Dispatcher.DispatchController | undefined
  #held: Buffer[] = []
  #heldBytes = 0
  #isDropped = false
  #bytesToCome = Infinity
  #end: { readonly error?: Error } | undefined
  #wake: (() => void) | undefined

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal
    this.head = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    signal?.addEventListener('abort', this.#onAbort, { once: true })
    if (signal?.aborted) this.#onAbort()
  }

  /**
   * The next bytes of the answer; undefined at its end.
   * @throws as `head`
   */
  async next(): Promise<Buffer | undefined> {
    while (this.#heldBytes === 0) {
      if (this.#end?.error) throw this.#end.error
      if (this.#end) return undefined
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
    const [first] = this.#held
    const all = this.#held.length === 1 ? first! : Buffer.concat(this.#held, this.#heldBytes)
    this.#held = []
    this.#heldBytes = 0
    if (this.#controller?.paused) this.#controller.resume()
    return all
  }

  /** Nobody wants what is still to come. The connection lives on if that is little. */
  drop(): void {
    this.#isDropped = true
    this.#held = []
    this.#heldBytes = 0
    if (this.#end) return
    if (this.#bytesToCome > READ_TO_THE_END_BYTES) this.#stop(new Error('dropped'))
    else if (this.#controller?.paused) this.#controller.resume()
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#end?.error) controller.abort(this.#end.error)
  }

  onResponseStart(_: unknown, status: number, headers: IncomingHttpHeaders): void {
    // 1xx: the answer proper follows.
    if (status < 200) return
    this.#bytesToCome = Number(headers['content-length'] ?? Infinity)
    this.#resolve({ status, headers })
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytesToCome -= chunk.length
    if (this.#isDropped) return
    this.#held.push(chunk)
    this.#heldBytes += chunk.length
    if (this.#heldBytes >= AHEAD_BYTES) controller.pause()
    this.#tell()
  }

  onResponseEnd(): void {
    this.#finish({})
  }

  onResponseError(_: unknown, error: Error): void {
    this.#finish({ error })
  }

  readonly #onAbort = (): void => this.#stop(this.#signal!.reason as Error)

  #stop(error: Error): void {
    this.#held = []
    this.#heldBytes = 0
    this.#finish({ error })
    this.#controller?.abort(error)
  }

  #finish(end: { readonly error?: Error }): void {
    this.#end ??= end
    this.#signal?.removeEventListener('abort', this.#onAbort)
    // Nothing happens if the head has come.
    if (end.error) this.#reject(end.error)
    this.#tell()
  }

  #tell(): void {
    this.#wake?.()
    this.#wake = undefined
  }
}
