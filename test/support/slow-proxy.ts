// SPDX-License-Identifier: Apache-2.0
// A TCP proxy on loopback that can be told to pass what the server sends slowly.
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { Transform } from 'node:stream'

export interface SlowProxy {
  /** host:port */
  readonly address: string
  /** Milliseconds each piece of an answer (64 KiB or less) is held back from now on. */
  setDelay(ms: number): void
  stop(): Promise<void>
}

/** @param target host:port of the server */
export async function startSlowProxy(target: string): Promise<SlowProxy> {
  let delay = 0
  const open = new Set<Socket>()
  const [host = '', port = ''] = target.split(':')
  const server = createServer((client) => {
    const upstream = connect(Number(port), host)
    const hold = new Transform({
      transform: (piece, _encoding, done) => void setTimeout(() => done(null, piece), delay),
    })
    client.pipe(upstream).pipe(hold).pipe(client)
    for (const socket of [client, upstream]) {
      open.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        open.delete(socket)
        client.destroy()
        upstream.destroy()
      })
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    setDelay: (ms) => {
      delay = ms
    },
    async stop() {
      server.close()
      for (const socket of open) socket.destroy()
      await once(server, 'close')
    },
  }
}
