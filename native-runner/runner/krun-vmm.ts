// SPDX-License-Identifier: Apache-2.0
// libkrun as a Vmm: a krun-vmm process that becomes the machine. libkrun tells nothing of its guest but
// that it has ended; it cannot pause one either.
// Always: once `tidy` has resolved, nothing of it is left on disk.
import { closeSync, constants, openSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { PassThrough, type Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { ReadStream } from 'node:tty'
import { MicrovmError } from '../../src/contract/errors'
import { krunReportSchema, type KrunReport } from '../../src/contract/krun-report'
import type { RunnerConfig, RunnerVmm } from '../../src/contract/runner-config'
import { krunVmmFlags } from '../../src/main/lib/entry-points'
import { libraryPath } from '../../src/main/lib/library-path'
import type { Child, ChildCommand } from '../process/child'
import type { OpenDisk } from './disk-files'
import { LineSplitter } from './line-splitter'
import type { StartVmm } from './vmm'

const REPORT_LINE_BYTES = 16 * 1024
/** What the guest wrote last is read within this time. */
const DRAIN_MS = 300

export interface KrunDeps {
  readonly spawnChild: (command: ChildCommand) => Promise<Child>
  /** Absolute path of runner.json. */
  readonly configFile: string
}

export interface KrunConfig extends Pick<RunnerConfig, 'vmDir'> {
  readonly vmm: Extract<RunnerVmm, { kind: 'libkrun' }>
}

/** @throws HYPERVISOR_FAILED if krun-vmm cannot be started at all */
export function startKrun(
  deps: KrunDeps,
  { vmm, vmDir }: KrunConfig,
  openDisks: () => Promise<readonly OpenDisk[]>,
): StartVmm {
  // Some versions make a folder for a guest's first root, and leave it.
  const scratch = join(vmDir, 'krun-tmp')
  return async () => {
    // libkrun opens files by their paths; ours keep them locked, in the child, too.
    const disks = await openDisks()
    await mkdir(scratch, { recursive: true, mode: 0o700 })
    const terminal = openMaster()
    let child: Child
    try {
      child = await deps.spawnChild({
        name: 'libkrun',
        executable: vmm.executable,
        args: [...krunVmmFlags, vmm.script, deps.configFile],
        channels: 3,
        descriptors: [terminal, ...disks.map(({ descriptor }) => descriptor)],
        env: {
          ...libraryPath(vmm.libDir, process.env),
          ELECTRON_RUN_AS_NODE: '1',
          TMPDIR: scratch,
        },
        errorCode: 'HYPERVISOR_FAILED',
      })
    } catch (error) {
      closeSync(terminal)
      await rm(scratch, { recursive: true, force: true })
      throw error
    }
    const [control, network, report] = child.channels as [Duplex, Duplex, Duplex]
    const console = new TerminalReader(terminal)
    let failure: MicrovmError | undefined
    const entering = followReport(report, (error) => (failure = error))
    return {
      child,
      console: console.output,
      control,
      network,
      started: startedUnlessGone(entering, child),
      endReason: undefined,
      get failure() {
        return failure
      },
      resume: () =>
        Promise.reject(new MicrovmError('HYPERVISOR_FAILED', 'libkrun cannot resume a machine')),
      tidy: async () => {
        await console.end()
        await rm(scratch, { recursive: true, force: true }).catch(() => undefined)
      },
    }
  }
}

/** The master side of a new pseudo-terminal: the guest's console gets the other one. */
function openMaster(): number {
  try {
    return openSync('/dev/ptmx', constants.O_RDWR | constants.O_NOCTTY)
  } catch (cause) {
    const message = `no terminal for the guest's console: ${(cause as Error).message}`
    throw new MicrovmError('HYPERVISOR_FAILED', message, { cause })
  }
}

class TerminalReader {
  /** Ends with the terminal's other side. */
  readonly output = new PassThrough()
  readonly #terminal: ReadStream
  readonly #closed: Promise<unknown>

  constructor(master: number) {
    this.#terminal = new ReadStream(master)
    this.#closed = new Promise((resolve) => this.#terminal.once('close', resolve))
    void this.#closed.then(() => this.output.end())
    // The end of the other side is an error to the one who reads (EIO).
    this.#terminal.on('error', () => undefined)
    this.#terminal.pipe(this.output, { end: false })
  }

  /** Once the other side is closed for good: waits until everything is read. */
  async end(): Promise<void> {
    await Promise.race([this.#closed, sleep(DRAIN_MS)])
    this.#terminal.destroy()
    await this.#closed
  }
}

/** Resolves when the guest is entered; a krun-vmm that a guest has broken into says no more than its schema allows. */
function followReport(report: Duplex, onError: (error: MicrovmError) => void): Promise<void> {
  return new Promise((resolve) => {
    const lines = new LineSplitter(REPORT_LINE_BYTES, (line) => {
      const message = parseReport(line)
      if (message === undefined) return
      if ('entering' in message) resolve()
      else onError(MicrovmError.fromWire(message.error))
    })
    report.on('data', (chunk: Buffer) => lines.push(chunk))
  })
}

function parseReport(line: string): KrunReport | undefined {
  try {
    return krunReportSchema.safeParse(JSON.parse(line)).data
  } catch {
    return undefined
  }
}

function startedUnlessGone(entering: Promise<void>, child: Child): Promise<void> {
  const gone = child.exited.then(() => {
    throw new MicrovmError('HYPERVISOR_FAILED', child.describeEnd())
  })
  const started = Promise.race([entering, gone])
  started.catch(() => undefined)
  return started
}
