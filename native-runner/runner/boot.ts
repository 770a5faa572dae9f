// SPDX-License-Identifier: Apache-2.0
// One boot of a machine: one VMM from its start to its end. Listens to the guest, watches that it
// comes up, pauses and resumes it, stops it, and in the end says what became of it.
// Always: `ended` resolves, whatever happens, and by then the VMM is gone.
import { setTimeout as sleep } from 'node:timers/promises'
import type { MicrovmError } from '../../src/contract/errors'
import type { GuestEvent } from '../../src/contract/guest-protocol'
import type { RunnerConfig } from '../../src/contract/runner-config'
import type { Logger } from '../../src/main/lib/logger'
import { printable } from '../process/child'
import { judgeEnd, type BootFacts, type Verdict } from './boot-end'
import type { ConsoleLog } from './console-log'
import { ControlPort } from './control-port'
import type { StartVmm, Vmm } from './vmm'

/** After the entrypoint's grace init still has to sync and unmount. */
const SHUTDOWN_MARGIN_MS = 5000
/** From the request to KILL, unless the grace is longer (SPEC "runner"). */
const KILL_AFTER_MS = 30_000
const FORCED_GRACE_MS = 2000
const DISK_CHECK_MS = 3000
/** Less than this and a resumed guest would only fill it again. */
const RESUME_FREE_BYTES = 16 * 1024 * 1024
const MAX_LOGGED_WARNINGS = 100

export interface BootDeps {
  readonly startVmm: StartVmm
  readonly console: ConsoleLog
  readonly logger: Logger
  /** Bytes free on the disk that holds the VM's disk. */
  readonly freeBytes: () => Promise<number>
}

export interface BootEvents {
  /** A stage of the launch timeline ended now. */
  onStage(name: string): void
  onReady(): void
  onStats(stats: Extract<GuestEvent, { event: 'stats' }>): void
  onPaused(error: MicrovmError): void
  onResumed(): void
  /** The guest goes down. */
  onStopping(): void
}

/** The guest's events that end a stage of the timeline (contract/vm-state.ts). */
const stages: Readonly<Partial<Record<GuestEvent['event'], string>>> = {
  hello: 'kernel',
  mounted: 'mounted',
  'network-up': 'network-up',
  'sshd-ready': 'sshd-ready',
  'entrypoint-started': 'entrypoint',
}

export class Boot {
  readonly vmm: Vmm
  readonly ended: Promise<Verdict>
  readonly #config: RunnerConfig
  readonly #deps: BootDeps
  readonly #events: BootEvents
  readonly #control: ControlPort
  readonly #facts: BootFacts = {
    vmmStarted: false,
    hello: false,
    mounted: false,
    ready: false,
    lastStage: 'none',
    stopRequested: false,
  }
  #silence: NodeJS.Timeout | undefined
  #paused: MicrovmError | undefined
  #diskCheck: NodeJS.Timeout | undefined
  #warnings = 0

  /** @throws HYPERVISOR_FAILED if the VMM cannot be started at all */
  static async start(config: RunnerConfig, deps: BootDeps, events: BootEvents): Promise<Boot> {
    deps.console.forget()
    // The VMM may speak before the Boot exists; it does not within the same turn.
    let boot: Boot | undefined
    const vmm = await deps.startVmm({
      onPaused: (error) => boot?.pause(error),
      onBroken: (reason) => boot?.abort('vmm', reason),
    })
    boot = new Boot(config, deps, events, vmm)
    return boot
  }

  private constructor(config: RunnerConfig, deps: BootDeps, events: BootEvents, vmm: Vmm) {
    this.#config = config
    this.#deps = deps
    this.#events = events
    this.vmm = vmm
    this.#control = new ControlPort(vmm.control, (event) => this.#receive(event))
    const following = deps.console.follow(vmm.console, (error) =>
      deps.logger.warn('console.log cannot be written', { error }),
    )
    this.#expectWord()
    vmm.started.then(
      () => {
        this.#facts.vmmStarted = true
        events.onStage('vmm')
      },
      () => undefined,
    )
    this.ended = this.#end(following)
  }

  /** Ends the VMM, because something it needs is gone. */
  abort(cause: 'network' | 'silence' | 'vmm', reason: string): void {
    this.#facts.abortedBy ??= { cause, reason }
    this.vmm.child.kill('SIGKILL')
  }

  /**
   * Asks init to power off; TERM to the VMM when the guest has had its time, KILL at 30 s. `force`
   * skips the guest, as does a guest that cannot hear (paused) or has nothing to lose yet.
   */
  async stop(force: boolean): Promise<void> {
    this.#facts.stopRequested = true
    clearTimeout(this.#silence)
    const { child } = this.vmm
    if (force || !this.#facts.mounted || this.#paused !== undefined)
      return await child.stop(FORCED_GRACE_MS)
    const grace = this.#config.stopGraceMs
    this.#control.send('poweroff', grace)
    const patience = grace + SHUTDOWN_MARGIN_MS
    const gone = child.exited.then(() => true)
    if (await Promise.race([gone, sleep(patience, false, { ref: false })])) return
    this.#deps.logger.warn('the guest did not power off in time')
    await child.stop(Math.max(KILL_AFTER_MS - patience, FORCED_GRACE_MS))
  }

  /** The host's clock jumped, or the guest's stood still. */
  setTime(): void {
    if (this.#facts.hello) this.#control.send('setTime', Date.now() / 1000)
  }

  /** Sshd answers, and the guest is not on its way down. */
  get ready(): boolean {
    return this.#facts.ready && this.#facts.shutdown === undefined
  }

  get paused(): boolean {
    return this.#paused !== undefined
  }

  /** @throws HYPERVISOR_FAILED */
  async resume(): Promise<void> {
    if (this.#paused === undefined) return
    clearInterval(this.#diskCheck)
    this.#paused = undefined
    await this.vmm.resume()
    // A write that fails again has paused it again by now or soon will.
    this.setTime()
    this.#expectWord()
    this.#events.onResumed()
  }

  pause(error: MicrovmError): void {
    if (this.#paused !== undefined) return
    this.#paused = error
    clearTimeout(this.#silence)
    this.#deps.logger.warn('the machine is paused', { error })
    this.#events.onPaused(error)
    if (error.code !== 'DISK_FULL') return
    this.#diskCheck = setInterval(() => void this.#resumeWithSpace(), DISK_CHECK_MS).unref()
  }

  async #resumeWithSpace(): Promise<void> {
    try {
      if ((await this.#deps.freeBytes()) >= RESUME_FREE_BYTES) await this.resume()
    } catch (error) {
      this.#deps.logger.warn('cannot resume the machine', { error })
    }
  }

  #receive(event: GuestEvent): void {
    const facts = this.#facts
    if (!facts.ready) this.#expectWord()
    const stage = stages[event.event]
    if (stage !== undefined) {
      facts.lastStage = stage
      this.#events.onStage(stage)
    }
    switch (event.event) {
      case 'hello':
        facts.hello = true
        return this.setTime()
      case 'mounted':
        facts.mounted = true
        return
      case 'sshd-ready':
        if (facts.ready) return
        facts.ready = true
        clearTimeout(this.#silence)
        return this.#events.onReady()
      case 'entrypoint-failed':
        facts.entrypointFailure ??= { code: event.code, message: printable(event.message) }
        return
      case 'exited':
        facts.exitCode ??= event.code
        return this.#events.onStopping()
      case 'fatal':
        facts.fatal ??= printable(event.message)
        return
      case 'shutdown':
        facts.shutdown ??= event.reason
        return this.#events.onStopping()
      case 'stats':
        return this.#events.onStats(event)
      case 'warning':
        return this.#warn(event.message)
      default:
    }
  }

  #warn(message: string): void {
    this.#warnings += 1
    if (this.#warnings <= MAX_LOGGED_WARNINGS)
      this.#deps.logger.warn(printable(message), { from: 'guest' })
  }

  /** A guest on its way up has to give a sign of life now and then. */
  #expectWord(): void {
    clearTimeout(this.#silence)
    if (this.#facts.ready || this.#facts.stopRequested) return
    const { bootTimeoutMs } = this.#config
    this.#silence = setTimeout(
      () => this.abort('silence', `no word from the guest for ${bootTimeoutMs / 1000} s`),
      bootTimeoutMs,
    ).unref()
  }

  async #end(following: Promise<void>): Promise<Verdict> {
    const exit = await this.vmm.child.exited
    clearTimeout(this.#silence)
    clearInterval(this.#diskCheck)
    await Promise.all([following, this.vmm.tidy?.()])
    const { endReason, child, failure } = this.vmm
    this.#deps.logger.info(child.describeEnd(), {
      reason: endReason,
      guestEvents: this.#control.events,
      rejectedLines: this.#control.rejected,
    })
    return judgeEnd(this.#facts, {
      exit,
      reason: endReason,
      description: child.describeEnd(),
      ...(failure === undefined ? {} : { failure }),
      consoleTail: printableLines(this.#deps.console.tail),
      memoryMib: this.#config.memoryMib,
    })
  }
}

const printableLines = (text: string): string => text.split(/\r?\n/).map(printable).join('\n')
