// SPDX-License-Identifier: Apache-2.0
// A raw stream to a TCP port of the guest through gvproxy's API socket: no host port is opened.
// gvproxy answers the HTTP request with the two bytes `OK`, and only then dials the guest: if
// nothing listens there, the stream ends without a byte. Trying again is the caller's business.
import { connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { MicrovmError } from '../../src/contract/errors'

const ACCEPTED = Buffer.from('OK')
const DEFAULT_TIMEOUT_MS = 10_000
/** Longest refusal (an HTTP answer) that is read to be quoted in the error. */
const MAX_REFUSAL_BYTES = 1024

/**
 * @param apiSocket gvproxy's API socket, from the runner's `sshEndpoint`
 * @param options.timeoutMs until gvproxy has accepted
 * @throws NETWORK_FAILED if gvproxy is not there or refuses, TIMEOUT, CANCELLED
 */
export async function openTunnel(
  apiSocket: string,
  ip: string,
  port: number,
  options: { signal?: AbortSignal; timeoutMs?: number } = {},
): Promise<Duplex> {
  const { signal, timeoutMs = DEFAULT_TIMEOUT_MS } = options
  if (signal?.aborted) throw new MicrovmError('CANCELLED', 'cancelled')
  const query = new URLSearchParams({ ip, port: String(port) })
  const socket = connect(apiSocket)
  socket.write(`POST /tunnel?${query.toString()} HTTP/1.1\r\nHost: gvproxy\r\n\r\n`)
  return await new Promise((resolve, reject) => {
    let refusal: Buffer = Buffer.alloc(0)
    const settle = (error?: MicrovmError): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      socket.off('readable', onReadable).off('end', onEnd).off('error', onError)
      if (error === undefined) return resolve(socket)
      socket.on('error', () => undefined).destroy()
      reject(error)
    }
    const fail = (code: 'NETWORK_FAILED' | 'TIMEOUT' | 'CANCELLED', reason: string): void =>
      settle(new MicrovmError(code, `tunnel to ${ip}:${port}: ${reason}`))
    const onAbort = (): void => fail('CANCELLED', 'cancelled')
    const onError = (error: Error): void => fail('NETWORK_FAILED', error.message)
    const onEnd = (): void =>
      fail('NETWORK_FAILED', describeRefusal(refusal) ?? 'gvproxy closed the connection')
    const onReadable = (): void => {
      if (refusal.length === 0) {
        const answer = readExactly(socket, ACCEPTED.length)
        if (answer === undefined) return
        if (answer.equals(ACCEPTED)) return settle()
        refusal = answer
      }
      // No `OK`: an HTTP error follows, until gvproxy closes or the bound is reached.
      for (let chunk = readSome(socket); chunk; chunk = readSome(socket))
        refusal = Buffer.concat([refusal, chunk])
      const text = describeRefusal(refusal)
      if (text !== undefined || refusal.length > MAX_REFUSAL_BYTES)
        fail('NETWORK_FAILED', text ?? 'gvproxy gave an answer that is no answer')
    }
    const timer = setTimeout(() => fail('TIMEOUT', `no answer in ${timeoutMs} ms`), timeoutMs)
    signal?.addEventListener('abort', onAbort)
    socket.on('readable', onReadable).on('end', onEnd).on('error', onError)
  })
}

/** Exactly `size` bytes; what comes after them stays in the stream for its next reader. */
const readExactly = (socket: Socket, size: number): Buffer | undefined =>
  (socket.read(size) as Buffer | null) ?? undefined

const readSome = (socket: Socket): Buffer | undefined =>
  (socket.read() as Buffer | null) ?? undefined

/** The status of an HTTP answer and the first line of its body, once both are there. */
function describeRefusal(answer: Buffer): string | undefined {
  const match = /^HTTP\/1\.\d (\d{3}[^\r\n]*)[^]*?\r\n\r\n([^\r\n]*)/.exec(
    answer.toString('latin1'),
  )
  return match ? `gvproxy answered ${match[1]}: ${match[2]}` : undefined
}
