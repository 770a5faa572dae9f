// SPDX-License-Identifier: Apache-2.0
// The app's end of the runner's control socket: typed calls, events, and a clear error when the
// runner goes away. Any number of clients may be connected to one runner.
import { connect, type Socket } from 'node:net'
import {
  createMessageConnection,
  ResponseError,
  SocketMessageReader,
  SocketMessageWriter,
  type MessageConnection,
} from 'vscode-jsonrpc/node'
import { MicrovmError, wireErrorSchema } from '../../contract/errors'
import {
  runnerEvents,
  runnerRequests,
  type RunnerMethod,
  type RunnerParams,
  type RunnerResult,
} from '../../contract/runner-rpc'
import type { VmState, VmStats } from '../../contract/vm-state'

export interface RunnerClient {
  /** @throws the runner's own error; RUNNER_FAILED if it goes away before it has answered */
  request<M extends RunnerMethod>(method: M, params: RunnerParams<M>): Promise<RunnerResult<M>>
  /** Each returns the function that unsubscribes. Nothing is replayed: ask `status` first. */
  onState(listener: (state: VmState) => void): () => void
  onStats(listener: (stats: VmStats) => void): () => void
  /** The runner ended or the connection broke; at once if that has already happened. */
  onClose(listener: () => void): () => void
  close(): void
}

const CONNECT_TIMEOUT_MS = 5000

/**
 * @param socketPath `state.socket` of the machine
 * @throws RUNNER_FAILED if nobody listens there, CANCELLED
 */
export async function connectRunner(
  socketPath: string,
  options: { signal?: AbortSignal } = {},
): Promise<RunnerClient> {
  const socket = await open(socketPath, options.signal)
  const connection = createMessageConnection(
    new SocketMessageReader(socket),
    new SocketMessageWriter(socket),
  )
  const states = new Listeners<VmState>()
  const stats = new Listeners<VmStats>()
  const closes = new Listeners<undefined>()
  let closed = false
  socket.once('close', () => {
    if (closed) return
    closed = true
    connection.dispose() // rejects what is still unanswered
    closes.emit(undefined)
  })
  // Half a line at the end of a killed runner, or a message that is none: the close follows.
  connection.onError(() => socket.destroy())
  connection.onNotification('state', (value: unknown) => {
    const parsed = runnerEvents.state.safeParse(value)
    if (parsed.success) states.emit(parsed.data)
  })
  connection.onNotification('stats', (value: unknown) => {
    const parsed = runnerEvents.stats.safeParse(value)
    if (parsed.success) stats.emit(parsed.data)
  })
  connection.listen()
  return {
    request: async (method, params) => {
      if (closed) throw gone()
      return await call(connection, method, params)
    },
    onState: (listener) => states.add(listener),
    onStats: (listener) => stats.add(listener),
    onClose: (listener) => {
      if (closed) queueMicrotask(listener)
      return closes.add(listener)
    },
    close: () => {
      socket.destroy()
    },
  }
}

async function call<M extends RunnerMethod>(
  connection: MessageConnection,
  method: M,
  params: RunnerParams<M>,
): Promise<RunnerResult<M>> {
  let answer: unknown
  try {
    answer = await connection.sendRequest(method, params)
  } catch (error) {
    const wire = wireErrorSchema.safeParse(error instanceof ResponseError ? error.data : undefined)
    throw wire.success ? MicrovmError.fromWire(wire.data) : gone(error)
  }
  const parsed = runnerRequests[method].result.safeParse(answer)
  if (!parsed.success)
    throw new MicrovmError('RUNNER_FAILED', `the runner's answer to ${method} makes no sense`, {
      hint: 'It may be of another version: stop the machine and start it again.',
      cause: parsed.error,
    })
  return parsed.data as RunnerResult<M>
}

const gone = (cause?: unknown): MicrovmError =>
  new MicrovmError('RUNNER_FAILED', 'the machine’s runner is gone', { cause })

async function open(socketPath: string, signal: AbortSignal | undefined): Promise<Socket> {
  if (signal?.aborted) throw new MicrovmError('CANCELLED', 'cancelled')
  const socket = connect({ path: socketPath, ...(signal ? { signal } : {}) })
  return await new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      clearTimeout(timer)
      socket.destroy()
      reject(
        error.name === 'AbortError'
          ? MicrovmError.from(error)
          : new MicrovmError('RUNNER_FAILED', `the machine's runner: ${error.message}`, {
              cause: error,
            }),
      )
    }
    const timer = setTimeout(
      () => fail(new Error(`no answer in ${CONNECT_TIMEOUT_MS} ms`)),
      CONNECT_TIMEOUT_MS,
    )
    socket.once('error', fail).once('connect', () => {
      clearTimeout(timer)
      socket.off('error', fail).on('error', () => undefined)
      resolve(socket)
    })
  })
}

class Listeners<T> {
  readonly #all = new Set<{ listener: (value: T) => void }>()

  add(listener: (value: T) => void): () => void {
    const entry = { listener }
    this.#all.add(entry)
    return () => void this.#all.delete(entry)
  }

  emit(value: T): void {
    for (const { listener } of this.#all) listener(value)
  }
}
