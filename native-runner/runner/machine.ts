// SPDX-License-Identifier: Apache-2.0
// A machine's life in the runner: network and VMM come up side by side, the guest boots, perhaps
// reboots, and ends; then everything is torn down. Keeps the observed state true all along.
// Always: `run` resolves, with the runner's exit code, once no child and no socket of theirs is left.
// Not here: what a VMM's end means (boot-end.ts), and who asks for what (rpc-server.ts).
import { MicrovmError } from '../../src/contract/errors'
import { runnerExitCodes, type RunnerConfig } from '../../src/contract/runner-config'
import type { PortForward } from '../../src/contract/vm-spec'
import type { VmStats } from '../../src/contract/vm-state'
import { Forwards } from '../net/forwards'
import type { Network, NetworkProvider } from '../net/provider'
import { Relay } from '../net/relay'
import { Boot, type BootDeps, type BootEvents } from './boot'
import type { Verdict } from './boot-end'
import { watchClock } from './clock-watch'
import type { StateFile } from './state-file'

type Ending = Extract<Verdict, { next: 'end' }>

/** Stats come every 2 s; a guest that sends more is not listened to more. */
const STATS_MIN_INTERVAL_MS = 1000

export interface MachineDeps extends BootDeps {
  readonly network: NetworkProvider
  readonly state: StateFile
  readonly onStats: (stats: VmStats) => void
}

/** What exists as soon as the network is up, until the end. */
interface Connection {
  readonly network: Network
  readonly relay: Relay
  readonly forwards: Forwards
}

export class Machine {
  readonly #config: RunnerConfig
  readonly #deps: MachineDeps
  #life: Promise<number> | undefined
  #connection: Connection | undefined
  #networkEnd: string | undefined
  #boot: Boot | undefined
  #stopAsked: 'gently' | 'forcibly' | undefined
  /** The timeline's zero, milliseconds since the epoch. */
  #launchedAt: number
  #lastStats = 0

  constructor(config: RunnerConfig, deps: MachineDeps) {
    this.#config = config
    this.#deps = deps
    this.#launchedAt = config.launch.startedAt
  }

  /** The whole life; every call gets the same one. */
  run(): Promise<number> {
    this.#life ??= this.#live()
    return this.#life
  }

  /** Resolves when the machine is off. A forced stop overtakes a gentle one under way. */
  async stop(force: boolean): Promise<void> {
    const wish = force ? 'forcibly' : 'gently'
    if (this.#stopAsked !== 'forcibly' && this.#stopAsked !== wish) {
      this.#stopAsked = wish
      this.#deps.state.update({ status: 'stopping' })
      void this.#boot?.stop(force)
    }
    await this.run()
  }

  /** @throws CONFLICT before the network is up; else as Forwards.set */
  async setPorts(ports: readonly PortForward[]): Promise<PortForward[]> {
    if (this.#connection === undefined)
      throw new MicrovmError('CONFLICT', 'the machine’s network is not up yet')
    const open = await this.#connection.forwards.set(ports)
    this.#deps.state.update({ ports: open })
    return open
  }

  /** @throws CONFLICT if it is not paused, HYPERVISOR_FAILED */
  async resume(): Promise<void> {
    if (!this.#boot?.paused) throw new MicrovmError('CONFLICT', 'the machine is not paused')
    await this.#boot.resume()
  }

  /** @throws CONFLICT before the network is up */
  get apiSocket(): string {
    if (this.#connection === undefined)
      throw new MicrovmError('CONFLICT', 'the machine’s network is not up yet')
    return this.#connection.network.apiSocket
  }

  async #live(): Promise<number> {
    const stopWatching = watchClock(() => this.#boot?.setTime())
    const ending = await this.#bootUntilEnd().catch(startFailure)
    stopWatching()
    const counters = this.#connection?.relay.counters
    await this.#connection?.network.stop()
    this.#deps.logger.info('the machine has ended', { ...ending, ...counters })
    this.#deps.state.update({
      status: ending.error === undefined ? 'stopped' : 'failed',
      error: ending.error?.toWire(),
      exitCode: ending.exitCode,
      stoppedAt: Date.now(),
      ports: [],
      runner: undefined,
      socket: undefined,
    })
    await this.#deps.state.flush()
    return ending.runnerExitCode
  }

  async #bootUntilEnd(): Promise<Ending> {
    let boot = await this.#start()
    for (;;) {
      const verdict = await boot.ended
      this.#connection?.relay.detach()
      if (verdict.next === 'end') return verdict
      if (this.#stopAsked !== undefined) return { next: 'end', runnerExitCode: runnerExitCodes.ok }
      this.#launchedAt = Date.now()
      this.#deps.state.update({ status: 'starting', startedAt: this.#launchedAt, timeline: [] })
      boot = await this.#startBoot()
      this.#plugIn(boot)
    }
  }

  /** Network and VMM at once: the guest needs its network only when its kernel is up. */
  async #start(): Promise<Boot> {
    const cancel = new AbortController()
    const networkUp = this.#startNetwork(cancel.signal)
    networkUp.catch(() => undefined) // looked at below, perhaps after it has failed
    let boot: Boot
    try {
      boot = await this.#startBoot()
    } catch (error) {
      cancel.abort()
      await networkUp.catch(() => undefined)
      throw error
    }
    try {
      await networkUp
    } catch (error) {
      boot.abort('network', MicrovmError.from(error).message)
      await boot.ended
      throw error
    }
    this.#plugIn(boot)
    return boot
  }

  async #startNetwork(signal: AbortSignal): Promise<void> {
    const { socketDir, ports } = this.#config
    const network = await this.#deps.network.start({ socketDir, signal })
    const relay = new Relay(network.link, (error) => this.#boot?.abort('network', error.message))
    this.#connection = { network, relay, forwards: new Forwards(network.forwarder) }
    void network.ended.then((reason) => {
      this.#networkEnd = reason
      this.#boot?.abort('network', reason)
    })
    await this.setPorts(ports)
    this.#mark('network')
  }

  async #startBoot(): Promise<Boot> {
    const boot = await Boot.start(this.#config, this.#deps, this.#bootEvents())
    this.#boot = boot
    if (this.#stopAsked !== undefined) void boot.stop(true)
    return boot
  }

  #plugIn(boot: Boot): void {
    this.#connection?.relay.attach(boot.vmm.network)
    // It may have ended between two boots.
    if (this.#networkEnd !== undefined) boot.abort('network', this.#networkEnd)
    this.#tellRunning()
  }

  /** Running is: sshd answers, and there is a network to reach it. A quick guest may be there first. */
  #tellRunning(): void {
    const boot = this.#boot
    if (!boot?.ready || boot.paused || this.#connection === undefined) return
    if (this.#stopAsked === undefined)
      this.#deps.state.update({ status: 'running', error: undefined })
  }

  #bootEvents(): BootEvents {
    const { state } = this.#deps
    const unlessStopping = (change: Parameters<StateFile['update']>[0]): void => {
      if (this.#stopAsked === undefined) state.update(change)
    }
    return {
      onStage: (name) => this.#mark(name),
      onReady: () => this.#tellRunning(),
      onPaused: (error) => unlessStopping({ status: 'paused', error: error.toWire() }),
      onResumed: () => {
        unlessStopping({ status: 'starting', error: undefined })
        this.#tellRunning()
      },
      onStopping: () => state.update({ status: 'stopping' }),
      onStats: ({ cpuPercent, memoryUsedMib, memoryTotalMib }) => {
        const at = Date.now()
        if (at - this.#lastStats < STATS_MIN_INTERVAL_MS) return
        this.#lastStats = at
        const { rxBytes = 0, txBytes = 0 } = this.#connection?.relay.counters ?? {}
        this.#deps.onStats({ at, cpuPercent, memoryUsedMib, memoryTotalMib, rxBytes, txBytes })
      },
    }
  }

  /** A stage of the timeline ended now; each counts once a boot, however often the guest says it. */
  #mark(name: string): void {
    const { state } = this.#deps
    if (state.state.timeline.some((event) => event.name === name)) return
    const at = Math.max(0, Date.now() - this.#launchedAt)
    state.update({ timeline: [...state.state.timeline, { name, at }] })
  }
}

/** Something could not be started; whatever else had been is gone again. */
function startFailure(error: unknown): Ending {
  const failure = MicrovmError.from(error)
  const runnerExitCode =
    failure.code === 'HYPERVISOR_FAILED' ? runnerExitCodes.hypervisor : runnerExitCodes.startup
  return { next: 'end', runnerExitCode, error: failure }
}
