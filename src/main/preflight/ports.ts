// SPDX-License-Identifier: Apache-2.0
// Whether a TCP port of the host is free.
import { createServer } from 'node:net'
import { MicrovmError } from '../../contract/errors'

/**
 * Whether a forward can bind 127.0.0.1:`port` now.
 * @throws PERMISSION_DENIED for a port this user may not bind
 */
export async function isPortFree(port: number): Promise<boolean> {
  const server = createServer()
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen({ port, host: '127.0.0.1', exclusive: true }, resolve)
    })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return false
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error
    throw new MicrovmError('PERMISSION_DENIED', `port ${port} is reserved for the system`, {
      hint: 'Choose a host port from 1024 on.',
      cause: error,
    })
  } finally {
    server.close()
  }
}
