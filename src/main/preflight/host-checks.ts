// SPDX-License-Identifier: Apache-2.0
// The checks every launch runs (SPEC "preflight").
import { access, constants, mkdir, stat, statfs } from 'node:fs/promises'
import { availableParallelism, totalmem } from 'node:os'
import { join } from 'node:path'
import type { BackendName } from '../../contract/vm-spec'
import { backendTitles } from '../hypervisor/choose-backend'
import { userNamespaceProblem } from '../hypervisor/user-namespace'
import type { Part } from '../lib/parts'
import { describePortHolder } from '../lib/port-holder'
import { PORTS_CHECK, type Finding, type PreflightCheck } from './checks'
import { disksCheck } from './disks-check'
import { foldersCheck } from './folders-check'
import { isPortFree } from './ports'

const MIB = 1024 * 1024
/** Advisory minimum, SPEC "preflight". */
const ADVISED_DISK_MIB = 2048
const ADVISED_MEMORY_MIB = 1024

const hypervisorCheck: PreflightCheck = {
  name: 'Hypervisor',
  required: true,
  run: async ({ chosen, wanted }) => {
    if (!chosen.found) return missing(chosen.reason, chosen.hint)
    const title = backendTitles[chosen.backend.name]
    const { maxCpus } = chosen.probe
    if (wanted !== undefined && wanted.cpus > maxCpus)
      return missing(
        `${wanted.cpus} CPUs asked for, ${title} gives a machine at most ${maxCpus} here`,
        'Ask for fewer CPUs.',
      )
    return { status: 'ok', detail: `machines run on ${title}` }
  },
}

/** Why this backend is taken, or is not. */
const backendCheck = (name: BackendName): PreflightCheck => ({
  name: backendTitles[name],
  required: false,
  run: async ({ backends, chosen }) => {
    const probe = backends.find(({ backend }) => backend.name === name)?.probe
    if (probe === undefined) return undefined
    if (probe.available) {
      const isChosen = chosen.found && chosen.backend.name === name
      return { status: 'ok', detail: isChosen ? probe.detail : `${probe.detail}, in reserve` }
    }
    // One backend is enough: what keeps the other from working is told, not held against the host.
    return chosen.found
      ? { status: 'ok', detail: `not used: ${probe.reason}`, hint: probe.hint }
      : missing(probe.reason, probe.hint)
  },
})

const acceleratorCheck: PreflightCheck = {
  name: 'Virtualisation',
  required: false,
  run: async ({ chosen }) => {
    if (!chosen.found) return undefined
    const { choice, hint } = chosen.probe
    const detail = `${choice.accelerator}: ${choice.reason}`
    if (choice.accelerator !== 'tcg') return { status: 'ok', detail }
    const slow = 'Machines work, but slower than with hardware virtualisation.'
    return { status: 'warning', detail, hint: hint === undefined ? slow : `${slow} ${hint}` }
  },
}

const userNamespaceCheck: PreflightCheck = {
  name: 'User namespace',
  required: true,
  run: async ({ userNamespace }) => {
    if (!userNamespace) return undefined
    const problem = await userNamespaceProblem()
    return problem === undefined
      ? { status: 'ok', detail: 'runners get user namespaces of their own' }
      : missing(
          `a runner cannot have a user namespace of its own: ${problem}`,
          'Allow it with `sudo sysctl -w kernel.unprivileged_userns_clone=1`, or do not ask for it (MICROVM_USER_NAMESPACE).',
        )
  },
}

const gvproxyCheck: PreflightCheck = {
  name: 'Network',
  required: true,
  run: async ({ parts }) => describePart('gvproxy', parts.gvproxy),
}

/** libkrun brings a kernel of its own where it has to. */
const kernelCheck: PreflightCheck = {
  name: 'Guest kernel',
  required: true,
  run: async ({ parts, chosen }) =>
    chosen.found && chosen.backend.name === 'libkrun' && !parts.kernel.found
      ? { status: 'ok', detail: 'libkrunfw’s' }
      : describePart('guest kernel', parts.kernel),
}

const guestCheck: PreflightCheck = {
  name: 'Guest bundle',
  required: true,
  run: async ({ parts: { guest } }) => {
    if (!guest.found) return missing('the guest bundle is missing', guest.hint)
    for (const name of ['bundle.tar', 'manifest.json', 'vm-disk.ext4']) {
      const path = join(guest.path, name)
      const there = await access(path, constants.R_OK).then(
        () => true,
        () => false,
      )
      if (!there) return missing(`the guest bundle has no ${name} (${path})`, SETUP_HINT)
    }
    return { status: 'ok', detail: `guest bundle at ${guest.path}` }
  },
}
const SETUP_HINT = 'Run `npm run setup` in the project’s folder, or install the app again.'

const starterCheck: PreflightCheck = {
  name: 'Starter image',
  required: false,
  run: async ({ parts: { starter }, wanted }) =>
    wanted === undefined ? describePart('starter image', starter) : undefined,
}

const dataDirCheck: PreflightCheck = {
  name: 'Data directory',
  required: true,
  run: async ({ dataDir }) => {
    try {
      await mkdir(dataDir, { recursive: true, mode: 0o700 })
      await access(dataDir, constants.R_OK | constants.W_OK | constants.X_OK)
      if (!(await stat(dataDir)).isDirectory()) throw new Error('not a folder')
    } catch (error) {
      return missing(
        `the data directory ${dataDir} cannot be written: ${(error as Error).message}`,
        'Give yourself write access to it, or set MICROVM_DATA_DIR to another folder.',
      )
    }
    return { status: 'ok', detail: `data directory at ${dataDir}` }
  },
}

const diskSpaceCheck: PreflightCheck = {
  name: 'Disk space',
  required: false,
  run: async ({ dataDir }) => {
    const disk = await statfs(dataDir).catch(() => undefined)
    if (disk === undefined) return undefined
    const freeMib = Math.floor((disk.bavail * disk.bsize) / MIB)
    const detail = `${Math.floor(freeMib / 1024)} GiB free for ${dataDir}`
    return freeMib >= ADVISED_DISK_MIB
      ? { status: 'ok', detail }
      : missing(detail, 'Images and machines want 2 GiB or more: free some space.')
  },
}

/** More CPUs than cores works, it only gains nothing: a warning. More memory than there is does not: refused. */
const cpuCheck: PreflightCheck = {
  name: 'CPU',
  required: false,
  run: async ({ wanted }) => {
    const cores = availableParallelism()
    if (wanted !== undefined && wanted.cpus > cores) {
      return missing(`${wanted.cpus} CPUs asked for, the host has ${cores}`, 'Ask for fewer CPUs.')
    }
    return { status: 'ok', detail: `${cores} ${cores === 1 ? 'core' : 'cores'}` }
  },
}

const memoryCheck: PreflightCheck = {
  name: 'Memory',
  required: true,
  run: async ({ wanted }) => {
    const hostMib = Math.floor(totalmem() / MIB)
    if (wanted !== undefined && wanted.memoryMib > hostMib) {
      return missing(
        `${wanted.memoryMib} MiB of memory asked for, the host has ${hostMib} MiB`,
        `Ask for less than ${hostMib} MiB.`,
      )
    }
    const detail = `${hostMib} MiB`
    return hostMib >= ADVISED_MEMORY_MIB
      ? { status: 'ok', detail }
      : { status: 'warning', detail, hint: 'Machines want 1 GiB or more on the host.' }
  },
}

const portsCheck: PreflightCheck = {
  name: PORTS_CHECK,
  required: true,
  run: async ({ wanted }) => {
    const taken: string[] = []
    for (const { host } of wanted?.ports ?? []) {
      if (host === 0 || (await isPortFree(host))) continue
      taken.push(`port ${host} is in use${await describePortHolder(host)}`)
    }
    if (wanted === undefined || wanted.ports.length === 0) return undefined
    return taken.length === 0
      ? { status: 'ok', detail: `${wanted.ports.length} free` }
      : missing(taken.join(', '), 'Choose another host port, or end what uses it.')
  },
}

export const hostChecks: readonly PreflightCheck[] = [
  hypervisorCheck,
  backendCheck('libkrun'),
  backendCheck('qemu'),
  acceleratorCheck,
  userNamespaceCheck,
  gvproxyCheck,
  kernelCheck,
  guestCheck,
  starterCheck,
  dataDirCheck,
  diskSpaceCheck,
  cpuCheck,
  memoryCheck,
  portsCheck,
  foldersCheck,
  disksCheck,
]

function describePart(what: string, part: Part): Finding {
  return part.found
    ? { status: 'ok', detail: `${what} at ${part.path}` }
    : missing(`the ${what} is missing`, part.hint)
}

function missing(detail: string, hint?: string): Finding {
  return { status: 'failed', detail, ...(hint === undefined ? {} : { hint }) }
}
