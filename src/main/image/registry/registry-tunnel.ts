// SPDX-License-Identifier: Apache-2.0
// Connections through a proxy: always a tunnel (RFC 9110, 9.3.6, CONNECT), so that what the registry is
// told is no business of the proxy.
import { Agent as HttpAgent, request as httpRequest } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest, type AgentOptions } from 'node:https'
import type { Duplex } from 'node:stream'
import { connect as connectTls, type SecureContext } from 'node:tls'

export interface TunnelOptions {
  readonly proxy: URL
  /** Whose certificates are trusted; needed for HTTPS at either end. */
  readonly secureContext?: SecureContext
  readonly timeoutMs: number
}

type Created = (error: Error | null, stream: Duplex) => void

/** An agent whose every connection is a tunnel. @param isSecure whether HTTPS is spoken inside */
export function tunnelAgent(isSecure: boolean, options: TunnelOptions): HttpAgent {
  const agent = isSecure ? new HttpsAgent({ keepAlive: true }) : new HttpAgent({ keepAlive: true })
  agent.createConnection = (target: AgentOptions, created?: Created): undefined => {
    const { host = 'localhost', port } = target
    openTunnel(`${bracketed(host)}:${port}`, options).then(
      (socket) => {
        if (!isSecure) created?.(null, socket)
        else {
          const { servername } = target
          const { secureContext } = options
          created?.(
            null,
            connectTls({
              socket,
              ...(servername ? { servername } : {}),
              ...(secureContext ? { secureContext } : {}),
            }),
          )
        }
      },
      (error: unknown) => created?.(error as Error, undefined as unknown as Duplex),
    )
    return undefined
  }
  return agent
}

const bracketed = (host: string): string => (host.includes(':') ? `[${host}]` : host)

/** @param target "host:port" */
function openTunnel(
  target: string,
  { proxy, secureContext, timeoutMs }: TunnelOptions,
): Promise<Duplex> {
  const send = proxy.protocol === 'https:' ? httpsRequest : httpRequest
  const login = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`
  const authorization = `Basic ${Buffer.from(login).toString('base64')}`
  return new Promise<Duplex>((resolve, reject) => {
    const request = send({
      host: proxy.hostname.replace(/^\[|\]$/g, ''),
      port: proxy.port || (proxy.protocol === 'https:' ? 443 : 80),
      method: 'CONNECT',
      path: target,
      agent: false,
      timeout: timeoutMs,
      headers: { host: target, ...(login === ':' ? {} : { 'proxy-authorization': authorization }) },
      ...(secureContext ? { secureContext } : {}),
    })
    const fail = (why: string, cause?: unknown): void =>
      reject(new Error(`the proxy ${proxy.host} ${why}`, { cause }))
    request.once('connect', (response, socket) => {
      if (response.statusCode === 200) resolve(socket.setTimeout(0))
      else {
        socket.destroy()
        fail(`answers with status ${response.statusCode}`)
      }
    })
    request.once('response', (response) => {
      response.destroy()
      fail(`answers with status ${response.statusCode}`)
    })
    request.once('timeout', () => request.destroy(new Error('it does not answer')))
    request.once('error', (error) => fail(`cannot be reached: ${error.message}`, error))
    request.end()
  })
}
