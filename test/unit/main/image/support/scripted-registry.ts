// SPDX-License-Identifier: Apache-2.0
// An HTTP server on this computer that answers as a test says, and tells what it was asked.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { sha256 } from './tar-bytes'

export interface Asked {
  readonly url: string
  readonly headers: IncomingMessage['headers']
}
export type Answer = (request: IncomingMessage, response: ServerResponse) => void

export interface ScriptedServer {
  /** "127.0.0.1:40000" */
  readonly host: string
  readonly origin: string
  readonly asked: Asked[]
  /** How each request is answered from now on. */
  answer: Answer
  close(): Promise<void>
}

export async function startServer(answer: Answer): Promise<ScriptedServer> {
  const asked: Asked[] = []
  const http = createServer((request, response) => {
    asked.push({ url: request.url!, headers: request.headers })
    server.answer(request, response)
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const host = `127.0.0.1:${(http.address() as AddressInfo).port}`
  const server: ScriptedServer = {
    host,
    origin: `http://${host}`,
    asked,
    answer,
    close: () =>
      new Promise((resolve) => {
        http.closeAllConnections()
        http.close(() => resolve())
      }),
  }
  return server
}

/** Serves blobs and manifests by digest, and manifests by tag, of any repository. */
export class Repository {
  readonly #content = new Map<string, { bytes: Buffer; type: string }>()

  /** @returns its descriptor */
  add(bytes: Buffer, type = 'application/octet-stream', tag?: string) {
    const digest = sha256(bytes)
    this.#content.set(digest, { bytes, type })
    if (tag !== undefined) this.#content.set(tag, { bytes, type })
    return { mediaType: type, digest, size: bytes.length }
  }

  addJson(value: unknown, type: string, tag?: string) {
    return this.add(Buffer.from(JSON.stringify(value)), type, tag)
  }

  readonly answer: Answer = (request, response) => {
    const name = decodeURIComponent(
      /\/(?:manifests|blobs)\/([^/?]+)$/.exec(request.url!)?.[1] ?? '',
    )
    const found = this.#content.get(name)
    if (!found) {
      response.writeHead(404).end('{"errors":[{"code":"MANIFEST_UNKNOWN","message":"unknown"}]}')
      return
    }
    response.writeHead(200, {
      'content-type': found.type,
      'content-length': found.bytes.length,
      'docker-content-digest': sha256(found.bytes),
    })
    response.end(found.bytes)
  }
}
