// SPDX-License-Identifier: Apache-2.0
// What the host must have, and should have, before a machine can start. The Doctor shows the same
// checks as a report; a launch refuses with all required ones that fail, together.
//
// Always: a check only looks. One that breaks counts as failed, with its error as the finding.
import { MicrovmError } from '../../contract/errors'
import type { DoctorCheck } from '../../contract/ipc'
import type { DiskSpec, Mount, PortForward } from '../../contract/vm-spec'
import type { BackendReport, ChosenBackend } from '../hypervisor/choose-backend'
import type { Parts } from '../lib/parts'

/** What the checks look at. */
export interface PreflightContext {
  readonly parts: Parts
  readonly dataDir: string
  /** What each backend says of this host, in order of preference. */
  readonly backends: readonly BackendReport[]
  /** The one for the machine; for the Doctor the one that machines run on unless they ask for another. */
  readonly chosen: ChosenBackend
  /** The runner is to have a user namespace of its own. */
  readonly userNamespace: boolean
  /** Of the machine about to start; absent for the Doctor. */
  readonly wanted?: {
    readonly cpus: number
    readonly memoryMib: number
    readonly ports: readonly PortForward[]
    readonly mounts?: readonly Mount[]
    readonly disks?: readonly DiskSpec[]
  }
}

export type Finding = Omit<DoctorCheck, 'name'>

export interface PreflightCheck {
  /** Unique; a caller's check of the same name replaces ours. */
  readonly name: string
  /** Whether a launch is refused when it fails. */
  readonly required: boolean
  /** undefined: nothing to say in this context. */
  run(context: PreflightContext): Promise<Finding | undefined>
}

/** Our checks with the caller's own: added, or in place of one of the same name. */
export function mergeChecks(
  ours: readonly PreflightCheck[],
  extra: readonly PreflightCheck[],
): PreflightCheck[] {
  const merged = new Map(ours.map((check) => [check.name, check]))
  for (const check of extra) merged.set(check.name, check)
  return [...merged.values()]
}

/** Every check's finding, in order. A failed advisory check is a warning. */
export async function runChecks(
  checks: readonly PreflightCheck[],
  context: PreflightContext,
): Promise<(DoctorCheck & { readonly required: boolean })[]> {
  const found = await Promise.all(
    checks.map(async ({ name, required, run }) => {
      const finding = await run(context).catch(brokenCheck)
      if (finding === undefined) return []
      const status = finding.status === 'failed' && !required ? 'warning' : finding.status
      return [{ name, required, ...finding, status }]
    }),
  )
  return found.flat()
}

/** @throws PREFLIGHT_FAILED (PORT_IN_USE if that is all) naming every required check that failed */
export async function requireChecks(
  checks: readonly PreflightCheck[],
  context: PreflightContext,
): Promise<void> {
  const failed = (await runChecks(checks, context)).filter(({ status }) => status === 'failed')
  const [first, ...others] = failed
  if (first === undefined) return
  const code = failed.every(({ name }) => name === PORTS_CHECK) ? 'PORT_IN_USE' : 'PREFLIGHT_FAILED'
  if (others.length === 0) {
    throw new MicrovmError(code, first.detail, first.hint === undefined ? {} : { hint: first.hint })
  }
  const hints = failed.flatMap(({ hint }) => hint ?? [])
  throw new MicrovmError(code, failed.map(({ detail }) => detail).join('; '), {
    ...(hints.length === 0 ? {} : { hint: [...new Set(hints)].join(' ') }),
  })
}

export const PORTS_CHECK = 'Host ports'

function brokenCheck(error: unknown): Finding {
  const { message, hint } = MicrovmError.from(error)
  const detail = `could not be checked: ${message}`
  return { status: 'failed', detail, ...(hint === undefined ? {} : { hint }) }
}
