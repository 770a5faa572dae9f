// SPDX-License-Identifier: Apache-2.0
// Which process listens on a TCP port of this host, as far as /proc tells (Linux, own processes).
import { readdir, readFile, readlink } from 'node:fs/promises'

/** TCP_LISTEN in /proc/net/tcp (proc_pid_net(5)). */
const LISTENING = '0A'

/** " by nginx (process 4711)", or '' if nobody can tell. */
export async function describePortHolder(port: number): Promise<string> {
  const holder = await findPortHolder(port).catch(() => undefined)
  return holder === undefined ? '' : ` by ${holder.name} (process ${holder.pid})`
}

export async function findPortHolder(
  port: number,
  proc = '/proc',
): Promise<{ pid: number; name: string } | undefined> {
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
export function listeningInodes(table: string, port: number): string[] {
  return table.split('\n').flatMap((line) => {
    const fields = line.trim().split(/\s+/)
    const localPort = Number.parseInt(fields[1]?.split(':')[1] ?? '', 16)
    return localPort === port && fields[3] === LISTENING && fields[9] ? [fields[9]] : []
  })
}
