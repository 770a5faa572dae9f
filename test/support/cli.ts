// SPDX-License-Identifier: Apache-2.0
// The built `microvm` command as a script uses it: arguments in, exit code and both outputs back.
import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const script = resolve(import.meta.dirname, '../../out/main/cli.js')

export interface CliResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Cli {
  readonly dataDir: string
  /** Runs to the end. */
  run(args: readonly string[], options?: { stdin?: string }): Promise<CliResult>
  /** As `run`, fails the test unless it ends with 0, and gives standard output. */
  ok(args: readonly string[], options?: { stdin?: string }): Promise<string>
  /** As `ok` with `--json`, parsed. */
  json<T>(args: readonly string[]): Promise<T>
  start(args: readonly string[]): ChildProcess
  /** Removes every machine, checks that nothing of them is left running, removes the data directory. */
  dispose(): Promise<void>
}

/** `command`: another `microvm` than this checkout's; `env`: added to the environment of each command. */
export async function makeCli(
  options: {
    dataDir?: string
    command?: readonly [string, ...string[]]
    env?: NodeJS.ProcessEnv
  } = {},
): Promise<Cli> {
  const [program, ...before] = options.command ?? [process.execPath, script]
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'microvm-test-')))
  const start = (args: readonly string[]) =>
    spawn(program, [...before, ...args], {
      env: { ...process.env, ...options.env, MICROVM_DATA_DIR: dataDir },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
  const run: Cli['run'] = async (args, { stdin = '' } = {}) => {
    const child = start(args)
    child.stdin.on('error', () => undefined).end(stdin)
    const [stdout, stderr, code] = await Promise.all([
      child.stdout.setEncoding('utf8').toArray(),
      child.stderr.setEncoding('utf8').toArray(),
      new Promise<number | null>((done) => child.on('close', done)),
    ])
    return { code, stdout: stdout.join(''), stderr: stderr.join('') }
  }
  const ok: Cli['ok'] = async (args, more) => {
    const result = await run(args, more)
    if (result.code !== 0) {
      throw new Error(`microvm ${args.join(' ')} ended with ${result.code}:\n${result.stderr}`)
    }
    return result.stdout
  }
  const json = async <T>(args: readonly string[]): Promise<T> => {
    // `--` ends the options, so a flag for microvm itself goes first.
    const [command, ...rest] = args
    return JSON.parse(await ok([command!, '--json', ...rest])) as T
  }
  const dispose = async () => {
    if (existsSync(join(dataDir, 'vms'))) {
      const machines = await json<{ id: string }[]>(['ls'])
      for (const { id } of machines) await run(['rm', '--force', id])
    }
    const left = await processesNaming(dataDir)
    await rm(dataDir, { recursive: true, force: true })
    if (left.length > 0) throw new Error(`still running: ${left.join('; ')}`)
  }
  return { dataDir, run, ok, json, start, dispose }
}

/** Command lines of all other processes that have `text` in theirs. */
export async function processesNaming(text: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const lines = await Promise.all(
    pids.map(async (pid) => {
      const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
      return line.includes(text) ? `${pid} ${line.replaceAll('\0', ' ').trim()}` : ''
    }),
  )
  return lines.filter((line) => line !== '' && !line.startsWith(`${process.pid} `))
}
