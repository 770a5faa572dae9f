// SPDX-License-Identifier: Apache-2.0
// krun-vmm: the process that becomes a machine. Given the path of a runner.json, by the runner alone
// (contract/krun-report.ts says what it is handed), it sets up a context of libkrun and enters it:
// krun_start_enter never returns, the process ends with the guest. With --probe [LIBRARY-FOLDER] it only
// says what the libkrun there can do (contract/krun-probe.ts).
// Always: exit codes as in contract/runner-config.ts; an error is reported on its descriptor and, for
// whoever runs this by hand, on standard error. Nothing here is asynchronous.
// Not here: waiting for the guest, stopping it, its network. The runner does that.
import { closeSync, fstatSync, writeSync } from 'node:fs'
import { MicrovmError } from '../../src/contract/errors'
import type { KrunProbe } from '../../src/contract/krun-probe'
import { krunDescriptors, type KrunReport } from '../../src/contract/krun-report'
import { runnerExitCodes } from '../../src/contract/runner-config'
import { readRunnerConfig } from '../process/read-config'
import { configureMachine, type KrunMachine } from './configure'
import { describeLibrary } from './features'
import {
  duplicate,
  explainCallError,
  krun,
  loadLibkrun,
  openTerminal,
  redirect,
  type Libkrun,
} from './libkrun'

const STDERR = 2
const [, , first, second] = process.argv
process.exit(first === '--probe' ? probe(second) : run(first))

function probe(libDir: string | undefined): number {
  let answer: KrunProbe
  try {
    answer = describeLibrary(loadLibkrun(libDir))
  } catch (error) {
    answer = { loaded: false, error: MicrovmError.from(explainCallError(error)).toWire() }
  }
  writeSync(1, `${JSON.stringify(answer)}\n`)
  return runnerExitCodes.ok
}

/** Returns only if there is no guest. */
function run(configFile: string | undefined): number {
  let machine: KrunMachine
  try {
    machine = readMachine(configFile)
  } catch (error) {
    return fail(error, runnerExitCodes.config)
  }
  try {
    return enter(machine)
  } catch (error) {
    const { config, hypervisor } = runnerExitCodes
    return fail(error, MicrovmError.from(error).code === 'INVALID_ARGUMENT' ? config : hypervisor)
  }
}

function readMachine(configFile: string | undefined): KrunMachine {
  const config = readRunnerConfig(configFile, 'usage: krun-vmm RUNNER_JSON')
  const { vmm } = config
  if (vmm.kind === 'libkrun') return { ...config, vmm }
  throw new MicrovmError('INVALID_ARGUMENT', `${configFile}: this machine is for ${vmm.kind}`)
}

function enter(machine: KrunMachine): never {
  const library = loadLibkrun(machine.vmm.libDir)
  beginLog(library)
  const terminal = openTerminal(krunDescriptors.terminal)
  // Ours alone now: the guest's console ends with this process.
  closeSync(krunDescriptors.terminal)
  const { control, network } = krunDescriptors
  const context = configureMachine(library, machine, { control, network, terminal, redirect })
  report({ entering: true })
  return library.startEnter(context)
}

/** To our standard error; configureMachine may give that away, and an old version would log on to the guest. */
function beginLog(library: Libkrun): void {
  const { warn, off } = krun.logLevel
  if (library.has('initLog'))
    library.initLog(duplicate(STDERR), warn, krun.logStyleNever, krun.logNoEnvironment)
  else library.setLogLevel(off)
}

function fail(error: unknown, exitCode: number): number {
  const failure = MicrovmError.from(explainCallError(error))
  const reported = report({ error: failure.toWire() })
  if (!reported) writeSync(STDERR, `krun-vmm: ${failure.message}\n`)
  return exitCode
}

/** False if nobody gave us a descriptor to report on. */
function report(message: KrunReport): boolean {
  try {
    // Run by hand, it may be one of Node's own.
    if (!fstatSync(krunDescriptors.report).isSocket()) return false
    writeSync(krunDescriptors.report, `${JSON.stringify(message)}\n`)
    return true
  } catch {
    return false
  }
}
