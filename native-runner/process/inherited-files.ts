// SPDX-License-Identifier: Apache-2.0
// Closes what a process got from the one that started it without being meant to. An Electron app opens
// most of its files and sockets so that children inherit them (Chromium's own launcher closes them, Node's
// does not): left open, they would keep the app's display connection and its databases alive after its end,
// and reach QEMU, where a guest that breaks out would find them.
import { closeSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { dirname } from 'node:path'

export interface OpenFile {
  readonly descriptor: number
  /** What /proc/self/fd/N links to. */
  readonly target: string
  readonly closesOnExec: boolean
}

/** O_CLOEXEC on Linux, fcntl.h. */
const CLOSE_ON_EXEC = 0o2000000

/**
 * To be called first of all, while everything else that is open was opened by Node itself. Linux only:
 * elsewhere Node's spawn lets nothing through.
 */
export function closeInheritedFiles(): void {
  if (process.platform !== 'linux') return
  const parents = new Set(listOpenFiles(process.ppid).map(({ target }) => target))
  const mine = listOpenFiles('self')
  for (const descriptor of inherited(mine, dirname(process.execPath), parents))
    closeSync(descriptor)
}

/**
 * Node and libuv mark all they open close-on-exec, so an unmarked descriptor came through exec. Two kinds
 * of unmarked ones are Electron's own when it runs as Node, and harmless: event counters and polls, and
 * the read-only resources beside its executable.
 * Node also marks what it finds open below 16 when it starts, so there a mark says nothing: but a socket
 * or pipe that the parent has as well can only be the parent's.
 * @param parents what the parent has open
 */
export function inherited(
  files: readonly OpenFile[],
  executableDir: string,
  parents: ReadonlySet<string>,
): number[] {
  return files
    .filter(({ descriptor, target, closesOnExec }) => {
      if (descriptor <= 2) return false
      if (/^(?:socket|pipe):/.test(target) && parents.has(target)) return true
      return !closesOnExec && !isElectronsOwn(target, executableDir)
    })
    .map(({ descriptor }) => descriptor)
}

const isElectronsOwn = (target: string, executableDir: string): boolean =>
  target === 'anon_inode:[eventpoll]' ||
  target === 'anon_inode:[eventfd]' ||
  target.startsWith(`${executableDir}/`)

/** Nothing of a process that has ended, or of another user's. */
function listOpenFiles(pid: number | 'self'): OpenFile[] {
  let names: string[]
  try {
    names = readdirSync(`/proc/${pid}/fd`)
  } catch {
    return []
  }
  return names.flatMap((name) => {
    try {
      const target = readlinkSync(`/proc/${pid}/fd/${name}`)
      // proc(5): "flags:	02100000", octal.
      const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/${pid}/fdinfo/${name}`, 'utf8'))
      if (flags === null) return []
      const closesOnExec = (Number.parseInt(flags[1]!, 8) & CLOSE_ON_EXEC) !== 0
      return [{ descriptor: Number(name), target, closesOnExec }]
    } catch {
      // The descriptor that listed the folder itself, or one closed meanwhile.
      return []
    }
  })
}
