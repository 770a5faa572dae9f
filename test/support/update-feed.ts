// SPDX-License-Identifier: Apache-2.0
// A feed of updates on loopback, as electron-builder writes one for a generic server: latest-linux.yml and the file it names.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface UpdateFeed {
  readonly url: string
  close(): Promise<void>
}

/** @param content of the AppImage */
export async function serveUpdate(version: string, content: string): Promise<UpdateFeed> {
  const name = `microvm-desktop-${version}.AppImage`
  const sha512 = createHash('sha512').update(content).digest('base64')
  const description = `version: ${version}
files:
  - url: ${name}
    sha512: ${sha512}
    size: ${Buffer.byteLength(content)}
path: ${name}
sha512: ${sha512}
releaseDate: '2026-01-01T00:00:00.000Z'
`
  const files = new Map([
    ['/latest-linux.yml', description],
    [`/${name}`, content],
  ])
  const server = createServer(({ url = '' }, response) => {
    const body = files.get(new URL(url, 'http://feed').pathname)
    response.writeHead(body === undefined ? 404 : 200).end(body)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
