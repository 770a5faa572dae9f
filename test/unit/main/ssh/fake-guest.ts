// SPDX-License-Identifier: Apache-2.0
// A real SSH server on a Unix socket that runs real commands, in the guest's place.
import { spawn } from 'node:child_process'
import { connect, type Socket } from 'node:net'
import ssh2, { type Connection, type ServerChannel, type Session } from 'ssh2'
import type { VmKeys } from '../../../../src/main/ssh/keys'

export interface FakeGuest {
  /** For ConnectDeps. */
  openTunnel(): Promise<Socket>
  /** Window sizes asked for, in order. */
  readonly sizes: { cols: number; rows: number }[]
  /** Bytes the server could hand to SSH so far. */
  sent(): number
  dropConnections(): void
  stop(): Promise<void>
}

export async function startFakeGuest(socketPath: string, keys: VmKeys): Promise<FakeGuest> {
  const connections = new Set<Connection>()
  const sizes: { cols: number; rows: number }[] = []
  let sent = 0
  const server = new ssh2.Server({ hostKeys: [keys.hostKey] }, (connection) => {
    connections.add(connection)
    connection.on('error', () => undefined)
    connection.on('close', () => connections.delete(connection))
    connection.on('authentication', (request) => {
      const allowed =
        request.method === 'publickey' &&
        request.username === 'root' &&
        keys.authorizedKey.includes(request.key.data.toString('base64'))
      if (allowed) request.accept()
      else request.reject(['publickey'])
    })
    connection.on('session', (accept) => serveSession(accept()))
    connection.on('tcpip', (accept, _reject, info) => {
      const channel = accept()
      channel.pipe(connect(info.destPort, '127.0.0.1')).pipe(channel)
    })
  })

  function serveSession(session: Session): void {
    session.on('pty', (accept, _reject, info) => {
      sizes.push({ cols: info.cols, rows: info.rows })
      accept()
    })
    session.on('window-change', (accept, _reject, info) => {
      sizes.push({ cols: info.cols, rows: info.rows })
      accept?.()
    })
    session.on('exec', (accept, _reject, info) => run(accept(), session, ['-c', info.command]))
    session.on('shell', (accept) => run(accept(), session, ['-s']))
  }

  function run(channel: ServerChannel, session: Session, args: string[]): void {
    const child = spawn('/bin/sh', args, { detached: true })
    session.on('signal', (accept, _reject, info) => {
      accept?.()
      process.kill(-child.pid!, `SIG${info.name}` as NodeJS.Signals)
    })
    channel.pipe(child.stdin).on('error', () => undefined)
    child.stdout.on('data', (chunk: Buffer) => {
      sent += chunk.length
      if (channel.write(chunk)) return
      child.stdout.pause()
      channel.once('drain', () => child.stdout.resume())
    })
    child.stderr.on('data', (chunk: Buffer) => channel.stderr.write(chunk))
    channel.on('close', () => child.kill('SIGKILL'))
    child.on('close', (code, signal) => {
      if (code === null) channel.exit(signal!.slice('SIG'.length), false, '')
      else channel.exit(code)
      channel.end()
    })
  }

  await new Promise<void>((resolve) => {
    server.listen(socketPath, resolve)
  })
  return {
    sizes,
    sent: () => sent,
    openTunnel: () =>
      new Promise((resolve, reject) => {
        const socket = connect(socketPath, () => resolve(socket)).once('error', reject)
      }),
    dropConnections: () => {
      for (const connection of connections)
        (connection as unknown as { _sock: Socket })._sock.destroy()
    },
    stop: async () => {
      for (const connection of connections) connection.end()
      await new Promise((resolve) => {
        server.close(resolve)
      })
    },
  }
}
