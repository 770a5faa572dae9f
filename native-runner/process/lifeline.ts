// SPDX-License-Identifier: Apache-2.0
// Children that die with us, even when we are killed with -9 and can do nothing about it.
// Linux: the kernel kills them (PR_SET_PDEATHSIG, set by util-linux' setpriv before exec).
// Elsewhere, or without setpriv: a shell beside the child waits on a pipe of ours and kills the
// child when the pipe closes.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'

const SETPRIV = ['/usr/bin/setpriv', '/bin/setpriv']

/** Runs only if we still live: the death signal is for deaths after it was set. */
const EXEC_UNLESS_ORPHAN = '[ "$PPID" = "$0" ] || exit 1; exec "$@"'
/** `read` ends when the pipe closes, which the parent's death does. */
const KILL_AT_END_OF_INPUT = 'read -r _; kill -KILL "$0"'

export interface BoundCommand {
  readonly command: string
  readonly args: readonly string[]
  /** False: call `guardChild` with its pid. */
  readonly diesWithParent: boolean
}

/** The command line that runs `executable` so that it dies with this process; same pid, same descriptors. */
export function bindToParent(
  executable: string,
  args: readonly string[],
  setpriv: string | undefined = SETPRIV.find((path) => existsSync(path)),
): BoundCommand {
  if (process.platform !== 'linux' || setpriv === undefined)
    return { command: executable, args, diesWithParent: false }
  const shell = ['/bin/sh', '-c', EXEC_UNLESS_ORPHAN, String(process.pid), executable, ...args]
  return {
    command: setpriv,
    args: ['--pdeathsig', 'KILL', '--', ...shell],
    diesWithParent: true,
  }
}

/** Kills the child when this process dies. The guard itself ends with the child. */
export function guardChild(pid: number, exited: Promise<unknown>): void {
  const guard = spawn('/bin/sh', ['-c', KILL_AT_END_OF_INPUT, String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  guard.on('error', () => undefined)
  guard.stdin.on('error', () => undefined)
  void exited.then(() => guard.kill('SIGKILL'))
}
