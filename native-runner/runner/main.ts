// SPDX-License-Identifier: Apache-2.0
// The runner: one detached process per machine, given the path of its runner.json. Owns gvproxy and
// the VMM, outlives the app, answers on a Unix socket, and ends with the machine.
// Always: exit codes as in contract/runner-config.ts; no child, socket or temp file is left behind;
// killed with -9, its children die too (native-runner/process/lifeline.ts).
// Not here: images, specs, restarts after a failure. The app decides those.
import { rmSync } from 'node:fs'
import { rmdir, statfs } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { MicrovmError } from '../../src/contract/errors'
import { runnerExitCodes, type RunnerConfig } from '../../src/contract/runner-config'
import { RUNNER_SOCKET } from '../../src/contract/runner-rpc'
import { STATE_VERSION, type VmState } from '../../src/contract/vm-state'
import { createLogger } from '../../src/main/lib/logger'
import { identifyProcess } from '../../src/main/lib/process-identity'
import { gvproxyProvider } from '../net/gvproxy'
import { GUEST_SSH_PORT, topology } from '../net/topology'
import { spawnChild, type ChildCommand } from '../process/child'
import { closeInheritedFiles } from '../process/inherited-files'
import { readRunnerConfig } from '../process/read-config'
import { ConsoleLog } from './console-log'
import { Machine } from './machine'
import { vmmStarter } from './vmm-starter'
import { refuseSecondRunner, RpcServer, type RunnerHandlers } from './rpc-server'
import { StateFile } from './state-file'

closeInheritedFiles()
process.umask(0o077)
const logger = createLogger({ write: (line) => void process.stderr.write(line) })

const given = readConfig()
try {
  process.exit(await run(given))
} catch (error) {
  logger.error('the runner could not start', { error: MicrovmError.from(error) })
  process.exit(runnerExitCodes.startup)
}

function readConfig(): RunnerConfig {
  try {
    return readRunnerConfig(process.argv[2], 'usage: runner RUNNER_JSON')
  } catch (error) {
    logger.error('runner.json is refused', { error: MicrovmError.from(error) })
    process.exit(runnerExitCodes.config)
  }
}

async function run(config: RunnerConfig): Promise<number> {
  const socketPath = join(config.socketDir, RUNNER_SOCKET)
  const statePath = join(config.vmDir, 'state.json')
  await refuseSecondRunner(socketPath)
  const state = new StateFile(statePath, await initialState(config, socketPath), logger)
  const consoleLog = await ConsoleLog.open(
    join(config.vmDir, 'console.log'),
    config.consoleLogBytes,
  )
  const spawn = (command: ChildCommand) => spawnChild(command, logger)
  const machine = new Machine(config, {
    network: gvproxyProvider({ executable: config.gvproxy, spawnChild: spawn }),
    startVmm: vmmStarter(
      {
        spawnChild: spawn,
        platform: process.platform,
        configFile: resolve(process.argv[2] ?? ''),
      },
      config,
    ),
    console: consoleLog,
    state,
    logger,
    freeBytes: () => freeBytes(config),
    onStats: (stats) => server?.broadcast('stats', stats),
  })
  let server: RpcServer | undefined
  state.onChange((value) => server?.broadcast('state', value))
  obeySignals(machine)
  surviveNoBug(config, state)
  const life = machine.run()
  try {
    // Whoever finds the socket finds a state.json that is ours.
    await state.flush()
    server = await RpcServer.listen(socketPath, handlers(machine, state))
  } catch (error) {
    await machine.stop(true)
    throw error
  }
  const exitCode = await life
  await consoleLog.close()
  await server.close()
  if (config.socketDir !== config.vmDir) await rmdir(config.socketDir).catch(() => undefined)
  return exitCode
}

/** Where there is least of all that the guest writes to. */
async function freeBytes({ root, disks }: RunnerConfig): Promise<number> {
  const own = root.kind === 'disk' ? dirname(root.vm) : root.path
  const others = disks.filter(({ readOnly }) => !readOnly).map(({ path }) => dirname(path))
  const found = await Promise.all([own, ...others].map((folder) => statfs(folder)))
  return Math.min(...found.map(({ bavail, bsize }) => bavail * bsize))
}

async function initialState(config: RunnerConfig, socket: string): Promise<VmState> {
  const runner = await identifyProcess(process.pid)
  return {
    version: STATE_VERSION,
    status: 'starting',
    ...(runner === undefined ? {} : { runner }),
    socket,
    backend: config.backend,
    startedAt: config.launch.startedAt,
    ports: [],
    ...(config.disks.length === 0 ? {} : { diskBytes: config.disks.map((disk) => disk.sizeBytes) }),
    timeline: config.launch.timeline,
  }
}

function handlers(machine: Machine, state: StateFile): RunnerHandlers {
  return {
    status: async () => state.state,
    stop: async ({ force }) => {
      await machine.stop(force)
      return state.state
    },
    setPorts: async ({ ports }) => ({ ports: await machine.setPorts(ports) }),
    sshEndpoint: async () => ({
      apiSocket: machine.apiSocket,
      guestIp: topology.guest,
      guestPort: GUEST_SSH_PORT,
    }),
    resume: async () => {
      await machine.resume()
      return state.state
    },
  }
}

/** TERM and INT stop the machine gently, a second one forcibly. The end of a terminal is nothing to us. */
function obeySignals(machine: Machine): void {
  let asked = false
  const stop = (): void => {
    void machine.stop(asked)
    asked = true
  }
  process
    .on('SIGTERM', stop)
    .on('SIGINT', stop)
    .on('SIGHUP', () => undefined)
}

/** A bug of ours: say so, and go down with everything. The children die with this process. */
function surviveNoBug(config: RunnerConfig, state: StateFile): void {
  process.on('uncaughtException', (error) => {
    logger.error('a bug in the runner', { error })
    state.update({
      status: 'failed',
      error: new MicrovmError('INTERNAL', `a bug in the runner: ${error.message}`).toWire(),
      stoppedAt: Date.now(),
      ports: [],
      runner: undefined,
      socket: undefined,
    })
    void state.flush().finally(() => {
      for (const name of [RUNNER_SOCKET, 'gvproxy-api.sock', 'gvproxy-net.sock'])
        rmSync(join(config.socketDir, name), { force: true })
      process.exit(runnerExitCodes.runtime)
    })
  })
}
