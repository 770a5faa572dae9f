// SPDX-License-Identifier: Apache-2.0
// Which backend runs a machine: the one it asks for, else the first of the list that works here and
// boots from what the machine's data lies on. Pure, but for the probes.
import type { RunnerRoot } from '../../contract/runner-config'
import type { BackendName } from '../../contract/vm-spec'
import type { Backend, BackendProbe } from './backend'

/** A backend and what it says of this host. */
export interface BackendReport {
  readonly backend: Backend
  readonly probe: BackendProbe
}

export type ChosenBackend =
  | {
      readonly found: true
      readonly backend: Backend
      readonly probe: Extract<BackendProbe, { available: true }>
    }
  | { readonly found: false; readonly reason: string; readonly hint: string }

/** Names as people know them. */
export const backendTitles: Readonly<Record<BackendName, string>> = {
  libkrun: 'libkrun',
  qemu: 'QEMU',
}

/** @param backends in order of preference */
export async function probeBackends(backends: readonly Backend[]): Promise<BackendReport[]> {
  return await Promise.all(
    backends.map(async (backend) => ({ backend, probe: await backend.probe() })),
  )
}

/**
 * @param wanted.backend the machine's own wish; absent: whichever works
 * @param wanted.root what the machine's data lies on; absent: it has none yet
 * @param wanted.disks whether it has extra disks: a backend that can give it some is then preferred
 */
export function chooseBackend(
  reports: readonly BackendReport[],
  wanted: {
    readonly backend?: BackendName | undefined
    readonly root?: RunnerRoot['kind'] | undefined
    readonly disks?: boolean
  } = {},
): ChosenBackend {
  const { backend: name, root } = wanted
  const eligible = reports.filter(({ backend }) => name === undefined || backend.name === name)
  const available = eligible.flatMap(({ backend, probe }) =>
    probe.available ? [{ found: true as const, backend, probe }] : [],
  )
  const fitting = available.filter(({ probe }) => root === undefined || probe.rootfs === root)
  const best = wanted.disks ? fitting.find(({ probe }) => probe.rootfs === 'disk') : undefined
  const found = best ?? fitting[0]
  if (found !== undefined) return found
  const [other] = available
  if (other !== undefined) return misfit(other.backend.name, other.probe.rootfs, name)
  return refusal(eligible, name)
}

/** Its changes would seem lost: they lie where this backend cannot read them. */
function misfit(
  backend: BackendName,
  rootfs: RunnerRoot['kind'],
  name: BackendName | undefined,
): ChosenBackend {
  const [boots, keeps] =
    rootfs === 'disk' ? ['a disk', 'in a directory'] : ['a directory', 'on a disk']
  return {
    found: false,
    reason: `${backendTitles[backend]} boots from ${boots} here, and this machine keeps its data ${keeps}`,
    hint:
      name === undefined
        ? 'Make a new machine, or bring back the backend it was made with.'
        : 'Leave the backend to the app, or make a new machine.',
  }
}

function refusal(eligible: readonly BackendReport[], name: BackendName | undefined): ChosenBackend {
  const failed = eligible.flatMap(({ backend, probe }) =>
    probe.available ? [] : [{ title: backendTitles[backend.name], ...probe }],
  )
  const reasons = failed.map(({ title, reason }) => `${title}: ${reason}`).join('; ')
  // The last one is what works on the most hosts: it is the one worth installing.
  const hint = failed.at(-1)?.hint ?? 'There is no such backend here.'
  return name === undefined
    ? { found: false, reason: `no backend can run machines here: ${reasons}`, hint }
    : {
        found: false,
        reason: `${backendTitles[name]} cannot run machines here: ${failed[0]?.reason ?? 'there is no such backend'}`,
        hint: `${hint} Or leave the backend to the app.`,
      }
}
