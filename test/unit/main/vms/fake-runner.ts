// SPDX-License-Identifier: Apache-2.0
// A runner's outside without a machine in it: a real process, a real state.json, and a client that
// the test speaks for.
import { spawn, type ChildProcess } from 'node:child_process'
import type { RunnerMethod, RunnerParams, RunnerResult } from '../../../../src/contract/runner-rpc'
import type { ProcessIdentity, VmState, VmStats } from '../../../../src/contract/vm-state'
import type { VmHandle } from '../../../../src/main/hypervisor/backend'
import type { RunnerClient } from '../../../../src/main/hypervisor/runner-client'
import { writeFileAtomic } from '../../../../src/main/lib/atomic-file'
import { identifyProcess, isAlive } from '../../../../src/main/lib/process-identity'
import { initialState } from '../../../../src/main/state/vm-files'

export class FakeRunner {
  readonly id: string
  readonly #child: ChildProcess
  readonly #identity: ProcessIdentity
  readonly #statePath: string
  readonly #states = new Set<(state: VmState) => void>()
  readonly #stats = new Set<(stats: VmStats) => void>()
  readonly #closes = new Set<() => void>()
  readonly requests: { method: string; params: unknown }[] = []
  state: VmState

  static async start(id: string, statePath: string): Promise<FakeRunner> {
    const child = spawn('sleep', ['600'], { stdio: 'ignore' })
    await new Promise((resolve) => {
      child.once('spawn', resolve)
    })
    const identity = await identifyProcess(child.pid!)
    const runner = new FakeRunner(id, child, identity!, statePath)
    await runner.say({ status: 'starting' })
    return runner
  }

  private constructor(id: string, child: ChildProcess, identity: ProcessIdentity, path: string) {
    this.id = id
    this.#child = child
    this.#identity = identity
    this.#statePath = path
    this.state = { ...initialState, runner: identity, socket: '/nowhere/runner.sock' }
  }

  /** As the runner does: state.json, then everybody who listens. */
  async say(change: Partial<VmState>): Promise<void> {
    this.state = { ...this.state, ...change }
    await writeFileAtomic(this.#statePath, JSON.stringify(this.state))
    for (const listener of this.#states) listener(this.state)
  }

  measure(stats: VmStats): void {
    for (const listener of this.#stats) listener(stats)
  }

  /** kill -9: no last word. */
  async die(): Promise<void> {
    if (this.#isDead) return
    const gone = new Promise((resolve) => {
      this.#child.once('exit', resolve)
    })
    this.#child.kill('SIGKILL')
    await gone
    for (const listener of this.#closes) listener()
  }

  get #isDead(): boolean {
    return this.#child.signalCode !== null
  }

  /** The end of a machine as the runner itself brings it about. */
  async end(change: Partial<VmState>): Promise<void> {
    const { runner: _runner, socket: _socket, ...rest } = this.state
    this.state = rest
    await this.say({ stoppedAt: Date.now(), ...change })
    await this.die()
  }

  handle(): VmHandle {
    return {
      id: this.id,
      runner: this.#identity,
      client: this.#client(),
      isAlive: () => isAlive(this.#identity),
      stop: async () => {
        if (!this.#isDead) await this.end({ status: 'stopped' })
        return this.state
      },
    }
  }

  #client(): RunnerClient {
    const on =
      <T>(all: Set<T>) =>
      (listener: T) => {
        all.add(listener)
        return () => void all.delete(listener)
      }
    return {
      request: async <M extends RunnerMethod>(method: M, params: RunnerParams<M>) => {
        this.requests.push({ method, params })
        if (method === 'setPorts') await this.say(params as { ports: VmState['ports'] })
        return this.state as RunnerResult<M>
      },
      onState: on(this.#states),
      onStats: on(this.#stats),
      onClose: on(this.#closes),
      close: () => undefined,
    }
  }
}
