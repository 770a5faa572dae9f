// SPDX-License-Identifier: Apache-2.0
// Serves a machine's shared folders to QEMU: a virtiofsd that lives as long as one boot.
// Always: once connected nothing of it lies on disk; `stop` leaves no process.
// Not here: what it may see and do (virtiofsd-command.ts).
import { existsSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { MicrovmError } from '../../src/contract/errors'
import type { RunnerShare } from '../../src/contract/runner-config'
import { examineVirtiofsd, requireOwners } from '../../src/main/lib/virtiofsd'
import type { Child, ChildCommand } from '../process/child'
import { SHARES_SOCKET, shareArguments } from './virtiofsd-command'

const UNSHARE = ['/usr/bin/unshare', '/bin/unshare']
const READY_TIMEOUT_MS = 10_000
const RETRY_MS = 3
const STOP_GRACE_MS = 1000

export interface ShareServer {
  /** Connected to virtiofsd, for QEMU to inherit. */
  readonly socket: Socket
  /** Resolves when it is gone for whatever reason, with a sentence that says how. */
  readonly ended: Promise<string>
  stop(): Promise<void>
}

interface Wanted {
  /** virtiofsd; absolute path. */
  readonly executable: string
  readonly shares: readonly RunnerShare[]
  readonly socketDir: string
}

/** @throws HYPERVISOR_FAILED, INVALID_ARGUMENT for owners it cannot show; with nothing left behind */
export async function serveShares(
  { spawnChild }: { spawnChild: (command: ChildCommand) => Promise<Child> },
  { executable, shares, socketDir }: Wanted,
): Promise<ShareServer> {
  const virtiofsd = await examineVirtiofsd(executable)
  requireOwners(virtiofsd, shares)
  const root = process.geteuid?.() === 0
  const anyUser = root && (await hasAllIds())
  const socketPath = join(socketDir, SHARES_SOCKET)
  await removeFiles(socketPath)
  const child = await spawnChild({
    name: 'virtiofsd',
    executable: UNSHARE.find((path) => existsSync(path)) ?? 'unshare',
    args: shareArguments({ executable, virtiofsd, shares, socketDir, root, anyUser }),
    channels: 0,
    errorCode: 'HYPERVISOR_FAILED',
  })
  try {
    const socket = await connectWhenReady(child, socketPath)
    return {
      socket,
      ended: child.exited.then(() => child.describeEnd()),
      stop: async () => {
        socket.destroy()
        await child.stop(STOP_GRACE_MS)
      },
    }
  } catch (error) {
    await child.stop(STOP_GRACE_MS)
    throw error
  } finally {
    await removeFiles(socketPath)
  }
}

/** user_namespaces(7): the first namespace maps every id to itself, "0 0 4294967295". */
async function hasAllIds(): Promise<boolean> {
  const map = await readFile('/proc/self/uid_map', 'utf8').catch(() => '')
  return /^\s*0\s+0\s+4294967295\s*$/.test(map)
}

async function connectWhenReady(child: Child, socketPath: string): Promise<Socket> {
  const deadline = Date.now() + READY_TIMEOUT_MS
  for (;;) {
    const socket = await tryConnect(socketPath)
    if (socket !== undefined) return socket
    if (!child.running) throw cannotShare(child.describeEnd())
    if (Date.now() > deadline)
      throw cannotShare(`virtiofsd opened no socket in ${READY_TIMEOUT_MS} ms`)
    await sleep(RETRY_MS)
  }
}

const tryConnect = (path: string): Promise<Socket | undefined> =>
  new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => resolve(socket)).once('error', () => resolve(undefined))
  })

function cannotShare(reason: string): MicrovmError {
  const noNamespace = /unshare|uid_map|permission denied|operation not permitted/i.test(reason)
  return new MicrovmError('HYPERVISOR_FAILED', `folders cannot be shared: ${reason}`, {
    hint: noNamespace
      ? 'Sharing folders takes a user namespace, which this system denies you. Allow it: `sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0` on Ubuntu, `kernel.unprivileged_userns_clone=1` elsewhere; or run the machine with libkrun.'
      : 'The whole story is in runner.log.',
  })
}

/** The Rust virtiofsd keeps a lock file beside its socket. */
async function removeFiles(socketPath: string): Promise<void> {
  const files = [socketPath, `${socketPath}.pid`]
  await Promise.all(files.map((path) => rm(path, { force: true })))
}
