// SPDX-License-Identifier: Apache-2.0
// gvproxy (gvisor-tap-vsock) as the machine's network: one process per machine, two Unix sockets.
// It ends as soon as its one link closes, so the link is opened once and kept.
import { rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { MicrovmError } from '../../src/contract/errors'
import type { Child, ChildCommand } from '../process/child'
import { gvproxyForwarder } from './gvproxy-api'
import type { Network, NetworkProvider } from './provider'

const API_SOCKET = 'gvproxy-api.sock'
const LINK_SOCKET = 'gvproxy-net.sock'
const READY_TIMEOUT_MS = 10_000
const RETRY_MS = 3
const STOP_GRACE_MS = 2000

export interface GvproxyDeps {
  /** Absolute path. */
  readonly executable: string
  readonly spawnChild: (command: ChildCommand) => Promise<Child>
}

export function gvproxyProvider(deps: GvproxyDeps): NetworkProvider {
  return {
    name: 'gvproxy',
    async start({ socketDir, signal }) {
      const sockets = { api: join(socketDir, API_SOCKET), link: join(socketDir, LINK_SOCKET) }
      await removeSockets(sockets)
      const child = await deps.spawnChild({
        name: 'gvproxy',
        executable: deps.executable,
        // Port -1: no forward of its own to the guest's SSH.
        args: [
          ...['-listen', `unix://${sockets.api}`],
          ...['-listen-qemu', `unix://${sockets.link}`],
          ...['-ssh-port', '-1'],
        ],
        channels: 0,
        errorCode: 'NETWORK_FAILED',
      })
      const stop = async (): Promise<void> => {
        await child.stop(STOP_GRACE_MS)
        await removeSockets(sockets)
      }
      try {
        return running(child, sockets.api, await connectWhenReady(child, sockets, signal), stop)
      } catch (error) {
        await stop()
        throw error
      }
    },
  }
}

function running(
  child: Child,
  apiSocket: string,
  link: Socket,
  stop: () => Promise<void>,
): Network {
  link.on('error', () => undefined)
  const closed = new Promise<string>((resolve) => {
    link.once('close', () => resolve('the link to gvproxy closed'))
  })
  return {
    link,
    apiSocket,
    // A link that closes first is gvproxy's end in most cases; give it the time to say why.
    ended: Promise.race([
      child.exited.then(() => child.describeEnd()),
      closed.then(async (reason) => {
        await Promise.race([child.exited, sleep(500)])
        return child.running ? reason : child.describeEnd()
      }),
    ]),
    forwarder: gvproxyForwarder(apiSocket),
    stop: async () => {
      link.destroy()
      await stop()
    },
  }
}

/** The API's socket is made before the link's, so a link that opens means that both are there. */
async function connectWhenReady(
  child: Child,
  sockets: { link: string },
  signal: AbortSignal | undefined,
): Promise<Socket> {
  const deadline = Date.now() + READY_TIMEOUT_MS
  for (;;) {
    const link = await tryConnect(sockets.link)
    if (link !== undefined) return link
    if (signal?.aborted) throw new MicrovmError('CANCELLED', 'cancelled')
    if (!child.running) throw new MicrovmError('NETWORK_FAILED', child.describeEnd())
    if (Date.now() > deadline)
      throw new MicrovmError('NETWORK_FAILED', `gvproxy opened no socket in ${READY_TIMEOUT_MS} ms`)
    await sleep(RETRY_MS)
  }
}

const tryConnect = (path: string): Promise<Socket | undefined> =>
  new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => resolve(socket)).once('error', () => resolve(undefined))
  })

async function removeSockets(sockets: { api: string; link: string }): Promise<void> {
  await Promise.all([rm(sockets.api, { force: true }), rm(sockets.link, { force: true })])
}
