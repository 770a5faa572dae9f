// SPDX-License-Identifier: Apache-2.0
// The runner's control socket (contract/runner-rpc.ts): any number of clients of the same user, each
// request checked before it acts, each event sent to all.
import { chmod, rm } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import {
  createMessageConnection,
  ResponseError,
  SocketMessageReader,
  SocketMessageWriter,
  type MessageConnection,
} from 'vscode-jsonrpc/node'
import { MicrovmError } from '../../src/contract/errors'
import {
  runnerRequests,
  type runnerEvents,
  type RunnerMethod,
  type RunnerParams,
  type RunnerResult,
} from '../../src/contract/runner-rpc'

/** JSON-RPC's server-defined error; the real code is in the WireError. */
const RPC_ERROR = -32_000
const CLOSE_TIMEOUT_MS = 1000

export type RunnerHandlers = {
  [M in RunnerMethod]: (params: RunnerParams<M>) => Promise<RunnerResult<M>>
}

export class RpcServer {
  readonly #path: string
  readonly #handlers: RunnerHandlers
  readonly #server: Server
  readonly #clients = new Map<MessageConnection, Socket>()
  readonly #answering = new Set<Promise<unknown>>()

  /** Replaces the socket of a dead runner; `refuseSecondRunner` has seen that it is dead. */
  static async listen(path: string, handlers: RunnerHandlers): Promise<RpcServer> {
    await rm(path, { force: true })
    const server = new RpcServer(path, handlers)
    await new Promise<void>((resolve, reject) => {
      server.#server.once('error', reject).listen(path, resolve)
    })
    await chmod(path, 0o600)
    return server
  }

  private constructor(path: string, handlers: RunnerHandlers) {
    this.#path = path
    this.#handlers = handlers
    this.#server = createServer((socket) => this.#accept(socket))
  }

  broadcast(event: keyof typeof runnerEvents, value: object): void {
    for (const connection of this.#clients.keys())
      connection.sendNotification(event, value).catch(() => undefined)
  }

  /** Sends what is still to be answered, then hangs up; leaves no socket. */
  async close(): Promise<void> {
    this.#server.close()
    await Promise.race([Promise.allSettled(this.#answering), sleep(CLOSE_TIMEOUT_MS)])
    await setImmediate() // the last answers are handed to their connections by now
    const closed = [...this.#clients.values()].map(
      (socket) => new Promise((resolve) => socket.once('close', resolve).end()),
    )
    await Promise.race([Promise.all(closed), sleep(CLOSE_TIMEOUT_MS)])
    for (const socket of this.#clients.values()) socket.destroy()
    await rm(this.#path, { force: true })
  }

  #accept(socket: Socket): void {
    const connection = createMessageConnection(
      new SocketMessageReader(socket),
      new SocketMessageWriter(socket),
    )
    this.#clients.set(connection, socket)
    socket.on('error', () => undefined)
    socket.once('close', () => {
      this.#clients.delete(connection)
      connection.dispose()
    })
    connection.onError(() => socket.destroy())
    for (const method of Object.keys(runnerRequests) as RunnerMethod[])
      connection.onRequest(method, (params: unknown) => this.#answer(method, params))
    connection.listen()
  }

  #answer(method: RunnerMethod, params: unknown): Promise<unknown> {
    const answer = this.#handle(method, params).catch((error: unknown) => {
      const wire = MicrovmError.from(error).toWire()
      throw new ResponseError(RPC_ERROR, wire.message, wire)
    })
    this.#answering.add(answer)
    const forget = (): void => void this.#answering.delete(answer)
    answer.then(forget, forget)
    return answer
  }

  async #handle<M extends RunnerMethod>(method: M, params: unknown): Promise<RunnerResult<M>> {
    const parsed = runnerRequests[method].params.safeParse(params)
    if (!parsed.success)
      throw new MicrovmError('INVALID_ARGUMENT', `${method}: ${parsed.error.message}`)
    return await this.#handlers[method](parsed.data as RunnerParams<M>)
  }
}

/** @throws CONFLICT if another runner answers at this socket */
export async function refuseSecondRunner(path: string): Promise<void> {
  if (await answers(path))
    throw new MicrovmError('CONFLICT', 'another runner of this machine is alive', {
      hint: 'Stop the machine before you start it again.',
    })
}

const answers = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(path)
    const done = (answer: boolean): void => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', () => done(true)).once('error', () => done(false))
  })
