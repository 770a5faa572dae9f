// SPDX-License-Identifier: Apache-2.0
// One set-up at a time per thing that is being made. The lock is the kernel's (flock), so it goes
// when its holder goes, however that ends: there is no stale lock.
import { spawn } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { once } from 'node:events'
import { SetupProblem } from './problem.mjs'

/**
 * Runs `work` while holding the exclusive lock on `path` (a file made for it).
 * @template T
 * @param {string} path
 * @param {() => Promise<T>} work
 * @param {{ onWait?: () => void }} [options] onWait: called once if the lock is not free at once
 * @returns {Promise<T>}
 */
export async function withLock(path, work, options = {}) {
  await mkdir(dirname(path), { recursive: true })
  // The holder keeps the lock until its standard input ends, which it does when we die.
  const [program, ...args] = holderCommand(process.platform, path)
  const holder = spawn(program, args, {
    stdio: ['pipe', 'pipe', 'inherit'],
    // Its own group: Ctrl-C must reach us first, so that cleaning up still happens under the lock.
    detached: true,
  })
  const waiting = setTimeout(() => options.onWait?.(), 500)
  try {
    const locked = await Promise.race([
      once(holder.stdout, 'data').then(() => true),
      once(holder, 'close').then(() => false),
    ])
    if (!locked) throw lockProblem(path, undefined)
  } catch (error) {
    throw lockProblem(path, error)
  } finally {
    clearTimeout(waiting)
  }
  try {
    return await work()
  } finally {
    holder.stdin.end()
    if (holder.exitCode === null) await once(holder, 'close')
  }
}

/**
 * A command that takes the lock, says a line, and holds it until its standard input ends.
 * @param {NodeJS.Platform} platform
 * @param {string} path
 * @returns {[string, ...string[]]}
 */
export function holderCommand(platform, path) {
  if (platform === 'linux')
    return ['flock', '--exclusive', path, 'sh', '-c', 'echo locked; exec cat']
  // A Mac has no flock(1), but a Perl that has flock(2).
  const script =
    'open F, ">>", shift or die; flock F, 2 or die; syswrite STDOUT, "locked\\n"; <STDIN>'
  return ['perl', '-e', script, path]
}

/** @param {string} path @param {unknown} error */
function lockProblem(path, error) {
  if (error instanceof SetupProblem) return error
  const why = error instanceof Error ? `: ${error.message}` : ''
  return new SetupProblem(
    'lock',
    `cannot lock ${path}${why}`,
    'Install flock (package util-linux) and check that the folder can be written to.',
  )
}
