// SPDX-License-Identifier: Apache-2.0
// Whether a TCP port of the host is free, and if not, who has it.
import { execFile } from 'node:child_process'
import { readdir, readFile, readlink } from 'node:fs/promises'
import { createServer } from 'node:net'
import { promisify } from 'node:util'
import { MicrovmError } from '../../contract/errors'

const runFile = promisify(execFile)

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

/** "nginx (process 812)"; undefined if it cannot be told, e.g. as it belongs to another user. */
export async function findPortHolder(port: number): Promise<string | undefined> {
  try {
    const pid = process.platform === 'linux' ? await pidFromProc(port) : await pidFromLsof(port)
    return pid === undefined ? undefined : `${await processName(pid)} (process ${pid})`
  } catch {
    return undefined
  }
}

/** proc(5): /proc/net/tcp lists sockets with their inode; 0A is LISTEN. */
async function pidFromProc(port: number): Promise<number | undefined> {
  const inodes = new Set<string>()
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    const text = await readFile(table, 'utf8').catch(() => '')
    for (const line of text.split('\n').slice(1)) {
      const fields = line.trim().split(/\s+/)
      const localPort = Number.parseInt(fields[1]?.split(':')[1] ?? '', 16)
      if (localPort === port && fields[3] === '0A' && fields[9]) inodes.add(fields[9])
    }
  }
  if (inodes.size === 0) return undefined
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  for (const pid of pids) {
    const fds = await readdir(`/proc/${pid}/fd`).catch((): string[] => [])
    for (const fd of fds) {
      const link = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')
      const inode = /^socket:\[(\d+)\]$/.exec(link)?.[1]
      if (inode !== undefined && inodes.has(inode)) return Number(pid)
    }
  }
  return undefined
}

async function pidFromLsof(port: number): Promise<number | undefined> {
  const { stdout } = await runFile('lsof', ['-nP', `-iTCP:${port}`, '-sTCP:LISTEN', '-t'])
  const pid = Number.parseInt(stdout, 10)
  return Number.isNaN(pid) ? undefined : pid
}

async function processName(pid: number): Promise<string> {
  if (process.platform === 'linux') return (await readFile(`/proc/${pid}/comm`, 'utf8')).trim()
  const { stdout } = await runFile('ps', ['-o', 'comm=', '-p', String(pid)])
  return stdout.trim()
}
