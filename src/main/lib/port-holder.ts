// SPDX-License-Identifier: Apache-2.0
// Which process listens on a TCP port of this host, as far as this user can see.
import { execFile } from 'node:child_process'
import { readdir, readFile, readlink } from 'node:fs/promises'
import { basename } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** TCP_LISTEN in /proc/net/tcp (proc_pid_net(5)). */
const LISTENING = '0A'

/** " by nginx (process 4711)", or '' if nobody can tell. */
export async function describePortHolder(port: number): Promise<string> {
  const find = process.platform === 'linux' ? findPortHolder : findPortHolderWithLsof
  const holder = await find(port).catch(() => undefined)
  return holder === undefined ? '' : ` by ${holder.name} (process ${holder.pid})`
}

async function findPortHolderWithLsof(port: number): Promise<PortHolder | undefined> {
  const { stdout } = await run('lsof', ['-nP', `-iTCP:${port}`, '-sTCP:LISTEN', '-Fpc'])
  const pid = /^p(\d+)$/m.exec(stdout)?.[1]
  const name = /^c(.+)$/m.exec(stdout)?.[1]
  return pid === undefined ? undefined : { pid: Number(pid), name: basename(name ?? '') }
}

interface PortHolder {
  readonly pid: number
  readonly name: string
}

/** As /proc tells (Linux). */
async function findPortHolder(port: number, proc = '/proc'): Promise<PortHolder | undefined> {
  const tables = await Promise.all(
    ['tcp', 'tcp6'].map((name) => readFile(`${proc}/net/${name}`, 'latin1').catch(() => '')),
  )
  const wanted = new Set(
    listeningInodes(tables.join('\n'), port).map((inode) => `socket:[${inode}]`),
  )
  if (wanted.size === 0) return undefined
  for (const pid of (await readdir(proc)).filter((name) => /^\d+$/.test(name))) {
    const fds = await readdir(`${proc}/${pid}/fd`).catch(() => [])
    for (const fd of fds) {
      const target = await readlink(`${proc}/${pid}/fd/${fd}`).catch(() => '')
      if (!wanted.has(target)) continue
      const name = await readFile(`${proc}/${pid}/comm`, 'utf8').catch(() => 'another process')
      return { pid: Number(pid), name: name.trim() }
    }
  }
  return undefined
}

/**
 * Inodes of the sockets that listen on a port.
 * @param table lines of /proc/net/tcp: "0: 0100007F:1F90 00000000:0000 0A … inode …"
 */
function listeningInodes(table: string, port: number): string[] {
  return table.split('\n').flatMap((line) => {
    const fields = line.trim().split(/\s+/)
    const localPort = Number.parseInt(fields[1]?.split(':')[1] ?? '', 16)
    return localPort === port && fields[3] === LISTENING && fields[9] ? [fields[9]] : []
  })
}
