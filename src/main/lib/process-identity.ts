// SPDX-License-Identifier: Apache-2.0
// Which process is it really: a pid is reused, a pid with its start time and boot is not.
import { execFile } from 'node:child_process'
import { readFile, readlink } from 'node:fs/promises'
import { promisify } from 'node:util'
import { MicrovmError } from '../../contract/errors'
import type { ProcessIdentity } from '../../contract/vm-state'

const run = promisify(execFile)

/** The process that has this pid now; undefined if none has, or if it is only a zombie. */
export async function identifyProcess(pid: number): Promise<ProcessIdentity | undefined> {
  if (!Number.isSafeInteger(pid) || pid <= 1) return undefined
  return process.platform === 'linux' ? await identifyOnLinux(pid) : await identifyWithPs(pid)
}

/** Whether this very process still runs. */
export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  const now = await identifyProcess(identity.pid)
  return now !== undefined && now.startTime === identity.startTime
}

/**
 * Signals the process if it still is the same one.
 * @throws PERMISSION_DENIED if it belongs to someone else
 */
export async function signalProcess(
  identity: ProcessIdentity,
  signal: NodeJS.Signals,
): Promise<'sent' | 'gone'> {
  if (!(await isAlive(identity))) return 'gone'
  try {
    process.kill(identity.pid, signal)
    return 'sent'
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return 'gone'
    throw MicrovmError.inContext(`send ${signal} to process ${identity.pid}`, error)
  }
}

let bootId: Promise<string> | undefined

async function identifyOnLinux(pid: number): Promise<ProcessIdentity | undefined> {
  bootId ??= readFile('/proc/sys/kernel/random/boot_id', 'utf8').then((text) => text.trim())
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'latin1')
    // The command's name stands in parentheses and may contain anything, ')' and spaces too.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const [state, startTicks] = [fields[0], fields[19]]
    if (state === undefined || startTicks === undefined || 'ZX'.includes(state)) return undefined
    const executable = await readlink(`/proc/${pid}/exe`).catch(() => '')
    return { pid, startTime: `${await bootId}/${startTicks}`, executable }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT' || code === 'ESRCH') return undefined
    throw error
  }
}

async function identifyWithPs(pid: number): Promise<ProcessIdentity | undefined> {
  const { stdout } = await run('ps', ['-o', 'state=,lstart=,comm=', '-p', String(pid)], {
    env: { ...process.env, LC_ALL: 'C' },
  }).catch(() => ({ stdout: '' }))
  const match = /^(\S+)\s+(\w+ \w+\s+\d+ [\d:]+ \d+)\s+(.*)$/.exec(stdout.trim())
  if (!match || match[1]?.startsWith('Z')) return undefined
  return { pid, startTime: match[2] ?? '', executable: match[3] ?? '' }
}
