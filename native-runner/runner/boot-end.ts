// SPDX-License-Identifier: Apache-2.0
// What the end of a VMM means: a wish fulfilled, a reboot, or which failure. Pure: everything known
// about one boot goes in, the verdict comes out.
import { MicrovmError } from '../../src/contract/errors'
import type { GuestEvent } from '../../src/contract/guest-protocol'
import { runnerExitCodes } from '../../src/contract/runner-config'
import type { ChildExit } from '../process/child'
import type { VmmEndReason } from './vmm'

type ShutdownReason = Extract<GuestEvent, { event: 'shutdown' }>['reason']

/** What is known of one boot, gathered while it lasts. */
export interface BootFacts {
  /** The guest's processors ran. */
  vmmStarted: boolean
  /** Init said hello; it mounted the disk; sshd answers. */
  hello: boolean
  mounted: boolean
  ready: boolean
  /** The last stage reached, in words. */
  lastStage: string
  entrypointFailure?: { code: number; message: string }
  exitCode?: number
  fatal?: string
  shutdown?: ShutdownReason
  /** We were asked to stop it. */
  stopRequested: boolean
  /** We ended it, because of this. */
  abortedBy?: { cause: 'network' | 'silence' | 'vmm'; reason: string }
}

export interface VmmEnd {
  readonly exit: ChildExit
  readonly reason: VmmEndReason
  /** "QEMU exited with code 1: …" */
  readonly description: string
  /** What the VMM said of it itself. */
  readonly failure?: MicrovmError
  readonly consoleTail: string
  readonly memoryMib: number
}

export type Verdict =
  | { readonly next: 'reboot' }
  | {
      readonly next: 'end'
      readonly runnerExitCode: number
      /** Of the entrypoint. */
      readonly exitCode?: number
      /** Absent: the machine ended as it should. */
      readonly error?: MicrovmError
    }

/** Below this the kernel may not even reach init; it needs some 56 MiB for itself. */
const SMALL_MEMORY_MIB = 128
const QUOTED_CONSOLE_LINES = 3

export function judgeEnd(facts: BootFacts, end: VmmEnd): Verdict {
  const { ok, runtime, startup, hypervisor } = runnerExitCodes
  const exitCode = facts.exitCode === undefined ? {} : { exitCode: facts.exitCode }
  const fail = (code: number, error: MicrovmError): Verdict => ({
    next: 'end',
    runnerExitCode: code,
    ...exitCode,
    error,
  })
  if (facts.stopRequested) return { next: 'end', runnerExitCode: ok, ...exitCode }
  if (facts.abortedBy?.cause === 'network')
    return fail(
      facts.hello ? runtime : startup,
      new MicrovmError('NETWORK_FAILED', `the machine's network ended: ${facts.abortedBy.reason}`, {
        hint: 'Start the machine again. The whole story is in runner.log.',
      }),
    )
  const fatal = facts.fatal ?? (facts.shutdown === 'fatal' ? 'it did not say why' : undefined)
  if (fatal !== undefined) return fail(hypervisor, fatalError(fatal, end))
  if (facts.entrypointFailure !== undefined) {
    const { code, message } = facts.entrypointFailure
    return { next: 'end', runnerExitCode: ok, exitCode: code, error: entrypointFailed(message) }
  }
  if (facts.shutdown === 'reboot') return { next: 'reboot' }
  if (facts.shutdown === 'poweroff') return { next: 'end', runnerExitCode: ok, ...exitCode }
  if (facts.exitCode !== undefined)
    return facts.exitCode === 0
      ? { next: 'end', runnerExitCode: ok, exitCode: 0 }
      : fail(ok, entrypointExited(facts.exitCode))
  if (facts.shutdown !== undefined) return { next: 'end', runnerExitCode: ok }
  return judgeSilentEnd(facts, end)
}

/** The guest did not say that it would end. */
function judgeSilentEnd(facts: BootFacts, end: VmmEnd): Verdict {
  const { runtime, hypervisor } = runnerExitCodes
  const fail = (error: MicrovmError): Verdict => ({
    next: 'end',
    runnerExitCode: facts.ready ? runtime : hypervisor,
    error,
  })
  if (facts.abortedBy?.cause === 'silence')
    return fail(bootFailed(`${facts.abortedBy.reason} (last stage: ${facts.lastStage})`, end))
  if (end.failure !== undefined) return fail(end.failure)
  const broken = facts.abortedBy?.reason
  const crashed = end.exit.signal !== null || end.exit.code !== 0 || end.reason === 'signal'
  // A VMM that tells of a reset has run a guest, however short its life was.
  const ran = facts.vmmStarted || end.reason === 'reset' || end.reason === 'shutdown'
  if (broken !== undefined || crashed || !ran)
    return fail(
      new MicrovmError('HYPERVISOR_FAILED', broken ?? end.description, hypervisorHint(end)),
    )
  const panic = /Kernel panic - not syncing: ([^\r\n]*)/.exec(end.consoleTail)?.[1]
  if (!facts.ready)
    return fail(
      bootFailed(`the guest ended before it was up (last stage: ${facts.lastStage})`, end),
    )
  if (panic !== undefined)
    return fail(
      new MicrovmError('HYPERVISOR_FAILED', `the guest's kernel panicked: ${panic}`, {
        hint: 'See the console log. More memory may help.',
      }),
    )
  // `reboot -f` resets the machine without asking init.
  if (end.reason === 'reset') return { next: 'reboot' }
  return fail(
    new MicrovmError('HYPERVISOR_FAILED', `the guest ended without a word; ${end.description}`),
  )
}

function bootFailed(what: string, end: VmmEnd): MicrovmError {
  const lines = end.consoleTail.split(/[\r\n]+/).filter((line) => line.trim() !== '')
  const quoted = lines.slice(-QUOTED_CONSOLE_LINES).join(' | ')
  const message = `${what}${quoted === '' ? '; its console shows nothing' : `; its console ends: ${quoted}`}`
  return new MicrovmError('GUEST_BOOT_FAILED', message, {
    hint: memoryHint(end) ?? 'The whole output is in the console log.',
  })
}

const fatalError = (message: string, end: VmmEnd): MicrovmError =>
  new MicrovmError('GUEST_BOOT_FAILED', `the guest's init gave up: ${message}`, {
    hint: memoryHint(end) ?? 'The whole output is in the console log.',
  })

const entrypointFailed = (message: string): MicrovmError =>
  new MicrovmError('ENTRYPOINT_FAILED', `entrypoint: ${message}`, {
    hint: 'Check the command, the user and the working directory of the machine.',
  })

const entrypointExited = (code: number): MicrovmError =>
  new MicrovmError('ENTRYPOINT_FAILED', `entrypoint exited ${code}`, {
    hint: 'Its output is in the console log.',
  })

function memoryHint({ memoryMib }: VmmEnd): string | undefined {
  return memoryMib < SMALL_MEMORY_MIB
    ? `The machine has ${memoryMib} MiB of memory, too little for most guests; give it 256 MiB or more.`
    : undefined
}

function hypervisorHint({ exit, description, memoryMib }: VmmEnd): { hint: string } {
  if (exit.signal === 'SIGKILL')
    return { hint: 'Someone killed it, or the host ran out of memory (see its kernel log).' }
  if (/cannot (set up guest memory|allocate)/i.test(description))
    return { hint: `The host cannot give the machine ${memoryMib} MiB of memory.` }
  if (/Failed to get "write" lock/.test(description))
    return { hint: 'Another process uses the machine’s disk.' }
  return { hint: 'The whole story is in runner.log.' }
}
