// SPDX-License-Identifier: Apache-2.0
// Starts the runner of one machine: a detached process that outlives us. Done when its control
// socket answers; a runner that ends before that is reported with the end of its log.
import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process'
import { lstat, mkdir, open, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { MicrovmError } from '../../contract/errors'
import { runnerExitCodes, type RunnerConfigInput } from '../../contract/runner-config'
import { RUNNER_SOCKET } from '../../contract/runner-rpc'
import { vmStateSchema, type ProcessIdentity, type VmState } from '../../contract/vm-state'
import { writeFileAtomic } from '../lib/atomic-file'
import { entryPoint, nodeProgram } from '../lib/entry-points'
import type { VmHandle } from './backend'
import { connectRunner, type RunnerClient } from './runner-client'
import { vmHandle } from './vm-handle'

const ANSWER_TIMEOUT_MS = 20_000
const POLL_MS = 5
const END_GRACE_MS = 5000
/** A runner.log beyond this begins anew with the next start. */
const MAX_LOG_BYTES = 1024 * 1024
const LOG_TAIL_LINES = 5

/** Starts the runner's process: another way of doing that, a namespace say, can take its place. */
export type Spawner = (
  executable: string,
  args: readonly string[],
  options: SpawnOptions,
) => ChildProcess

export interface SpawnRunnerOptions {
  readonly signal?: AbortSignal | undefined
  /** The runner's script; the built one unless given. */
  readonly script?: string | undefined
  readonly spawner?: Spawner | undefined
}

/**
 * @throws what the runner says it failed with (PORT_IN_USE, NETWORK_FAILED, …), RUNNER_FAILED if it
 *   could not say, CANCELLED; the runner is gone by then
 */
export async function spawnRunner(
  config: RunnerConfigInput,
  options: SpawnRunnerOptions = {},
): Promise<VmHandle> {
  const { signal, script = entryPoint('runner'), spawner = spawn } = options
  const logPath = join(config.vmDir, 'runner.log')
  const configPath = join(config.vmDir, 'runner.json')
  await prepareSocketDir(config.socketDir)
  await writeFileAtomic(configPath, `${JSON.stringify(config, null, 2)}\n`)
  const child = await spawnDetached(spawner, script, configPath, logPath)
  let ended: RunnerEnd | undefined
  const exited = new Promise<void>((resolve) => {
    child.once('exit', (code, exitSignal) => {
      ended = { code, signal: exitSignal }
      resolve()
    })
  })
  const deadline = Date.now() + ANSWER_TIMEOUT_MS
  try {
    for (;;) {
      if (signal?.aborted) throw new MicrovmError('CANCELLED', 'cancelled')
      if (ended !== undefined) throw await explainEnd(ended, config)
      const client = await connectTo(child.pid ?? 0, join(config.socketDir, RUNNER_SOCKET))
      if (client !== undefined) {
        child.unref()
        return vmHandle(config.vmId, client.identity, client.runner)
      }
      if (Date.now() > deadline)
        throw new MicrovmError('RUNNER_FAILED', `the runner is silent for ${ANSWER_TIMEOUT_MS} ms`)
      await sleep(POLL_MS)
    }
  } catch (error) {
    if (ended === undefined) await endRunner(child, exited)
    throw error
  }
}

interface RunnerEnd {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** TERM lets it tidy up; a guest that has hardly begun to boot is no reason to wait long. */
async function endRunner(child: ChildProcess, exited: Promise<void>): Promise<void> {
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), END_GRACE_MS)
  await exited
  clearTimeout(timer)
}

/** Made by us or refused: in a shared temp directory someone else could have been first. */
async function prepareSocketDir(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 })
  const found = await lstat(path)
  if (!found.isDirectory() || found.uid !== process.getuid?.() || (found.mode & 0o077) !== 0)
    throw new MicrovmError('PERMISSION_DENIED', `${path} is not a private folder of yours`, {
      hint: 'Its owner must be you and its mode 0700. Remove it or correct it.',
    })
}

async function spawnDetached(
  spawner: Spawner,
  script: string,
  configPath: string,
  logPath: string,
): Promise<ChildProcess> {
  const full = await stat(logPath).then(
    ({ size }) => size > MAX_LOG_BYTES,
    () => false,
  )
  const log = await open(logPath, full ? 'w' : 'a', 0o600)
  try {
    const child = spawner(nodeProgram('runner'), [...nodeFlags, script, configPath], {
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
      cwd: '/',
      env: runnerEnvironment(),
    })
    await new Promise((resolve, reject) => child.once('spawn', resolve).once('error', reject))
    return child
  } catch (error) {
    throw MicrovmError.inContext('start the runner', error)
  } finally {
    await log.close()
  }
}

/** Few variables: what ours holds besides is no business of a process that outlives us. */
function runnerEnvironment(): NodeJS.ProcessEnv {
  const kept = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'XDG_RUNTIME_DIR'].flatMap((name) => {
    const value = process.env[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  // Electron's executable is Node with this, and only with this.
  if (process.versions.electron) kept.push(['ELECTRON_RUN_AS_NODE', '1'])
  return Object.fromEntries(kept)
}

/** One process per machine: a small heap matters more than its peak speed. */
const nodeFlags = ['--max-semi-space-size=1', '--max-old-space-size=128']

/** A runner left over from before may answer at the same socket: only the one we started counts. */
async function connectTo(
  pid: number,
  socketPath: string,
): Promise<{ runner: RunnerClient; identity: ProcessIdentity } | undefined> {
  const runner = await connectRunner(socketPath).catch(() => undefined)
  const state = await runner?.request('status', {}).catch(() => undefined)
  if (runner && state?.runner?.pid === pid) return { runner, identity: state.runner }
  runner?.close()
  return undefined
}

/** The runner itself knows best, if it came far enough to say so; else the end of its log. */
async function explainEnd(
  ended: RunnerEnd,
  { vmDir, launch }: RunnerConfigInput,
): Promise<MicrovmError> {
  const state = await readState(join(vmDir, 'state.json'))
  if (state?.startedAt === launch.startedAt && state.error)
    return MicrovmError.fromWire(state.error)
  const logPath = join(vmDir, 'runner.log')
  const text = await readFile(logPath, 'utf8').catch(() => '')
  const tail = text.trimEnd().split('\n').slice(-LOG_TAIL_LINES).map(readableLine).join('; ')
  const how =
    ended.signal !== null ? `was killed by ${ended.signal}` : `ended with code ${ended.code}`
  const kind = Object.entries(runnerExitCodes).find(([, code]) => code === ended.code)?.[0]
  return new MicrovmError(
    'RUNNER_FAILED',
    `the runner ${how}${kind === undefined ? '' : ` (${kind})`}: ${tail}`,
    { hint: `Its whole log is ${logPath}.` },
  )
}

async function readState(path: string): Promise<VmState | undefined> {
  try {
    return vmStateSchema.safeParse(JSON.parse(await readFile(path, 'utf8'))).data
  } catch {
    return undefined
  }
}

const logLineSchema = z.object({
  message: z.string(),
  error: z.object({ message: z.string() }).optional(),
})

/** A line of the structured log as words; any other line as it is. */
function readableLine(line: string): string {
  try {
    const { message, error } = logLineSchema.parse(JSON.parse(line))
    return error === undefined ? message : `${message}: ${error.message}`
  } catch {
    return line
  }
}
