// SPDX-License-Identifier: Apache-2.0
// The checks every launch runs (SPEC "preflight").
import { access, constants, mkdir, stat, statfs } from 'node:fs/promises'
import { availableParallelism, totalmem } from 'node:os'
import { join } from 'node:path'
import type { Part } from '../lib/parts'
import { describePortHolder } from '../lib/port-holder'
import { PORTS_CHECK, type Finding, type PreflightCheck } from './checks'
import { isPortFree } from './ports'

const MIB = 1024 * 1024
/** Advisory minimum, SPEC "preflight". */
const ADVISED_DISK_MIB = 2048
const ADVISED_MEMORY_MIB = 1024

const qemuCheck: PreflightCheck = {
  name: 'QEMU',
  required: true,
  run: async ({ parts: { qemu, kernel }, backend }) => {
    if (!qemu.found) return missing('QEMU is not installed', qemu.hint)
    // Without a kernel nothing can be tried, and that check says so.
    if (!kernel.found) return { status: 'ok', detail: `QEMU at ${qemu.path}` }
    if (backend.available) return { status: 'ok', detail: backend.detail }
    return missing(`${qemu.path} cannot run a machine: ${backend.reason}`, backend.hint)
  },
}

const acceleratorCheck: PreflightCheck = {
  name: 'Virtualisation',
  required: false,
  run: async ({ backend }) => {
    if (!backend.available) return undefined
    const { accelerator, reason } = backend.choice
    const detail = `${accelerator}: ${reason}`
    return accelerator === 'tcg'
      ? {
          status: 'warning',
          detail,
          hint: 'Machines work, but slower than with hardware virtualisation.',
        }
      : { status: 'ok', detail }
  },
}

const partCheck = (name: string, what: string, part: 'gvproxy' | 'kernel'): PreflightCheck => ({
  name,
  required: true,
  run: async ({ parts }) => describePart(what, parts[part]),
})

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
  qemuCheck,
  acceleratorCheck,
  partCheck('Network', 'gvproxy', 'gvproxy'),
  partCheck('Guest kernel', 'guest kernel', 'kernel'),
  guestCheck,
  starterCheck,
  dataDirCheck,
  diskSpaceCheck,
  cpuCheck,
  memoryCheck,
  portsCheck,
]

function describePart(what: string, part: Part): Finding {
  return part.found
    ? { status: 'ok', detail: `${what} at ${part.path}` }
    : missing(`the ${what} is missing`, part.hint)
}

function missing(detail: string, hint?: string): Finding {
  return { status: 'failed', detail, ...(hint === undefined ? {} : { hint }) }
}
