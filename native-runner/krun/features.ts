// SPDX-License-Identifier: Apache-2.0
// What a libkrun can do, found by looking for its calls and asking it; never by its version.
import { realpathSync } from 'node:fs'
import type { KrunFeatures, KrunProbe } from '../../src/contract/krun-probe'
import { isErrno, krun, type Libkrun } from './libkrun'

/** What libkrunfw's kernel is built for. */
const KERNEL_CPUS = 16

export function readFeatures(library: Libkrun, arch: string = process.arch): KrunFeatures {
  return {
    network:
      builtWith(library, krun.feature.net) &&
      (library.has('addNetUnixstream') || library.has('setPasstFd')),
    // VMDK came in the same release as krun_add_disk3 (1.17.0) and has no sign of its own.
    disks: builtWith(library, krun.feature.blk) && library.has('addDisk3'),
    ownKernel:
      kernelFormat(arch) !== undefined && library.has('setKernel') && hasNamedPorts(library),
    remountRoot: library.has('setRootDiskRemount'),
    readOnlyShares: library.has('addVirtiofs3'),
  }
}

/** What our kernel is on this processor, of what libkrun takes there. */
export function kernelFormat(arch: string = process.arch): number | undefined {
  const { elf, raw } = krun.kernelFormat
  return { x64: elf, arm64: raw }[arch]
}

/** Whether the library's own init lets ours be process 1 (1.16, which brought this call, too). */
export const handsOverProcess1 = (library: Libkrun): boolean => library.has('getMaxVcpus')

/** Ports of a virtio console that init finds by name, as it does under QEMU. */
export function hasNamedPorts(library: Libkrun): boolean {
  return (
    library.has('disableImplicitConsole') &&
    library.has('addVirtioConsoleMultiport') &&
    library.has('addConsolePortTty') &&
    library.has('addConsolePortInout')
  )
}

/** As many as hypervisor and kernel take. */
export function maxCpus(library: Libkrun): number {
  if (!library.has('getMaxVcpus')) return KERNEL_CPUS
  try {
    return Math.min(KERNEL_CPUS, library.getMaxVcpus())
  } catch {
    // No usable hypervisor: that is told when a machine is started.
    return KERNEL_CPUS
  }
}

export function describeLibrary(library: Libkrun): KrunProbe {
  const version = /\.so\.(\d+\.\d+\.\d+)$/.exec(realPath(library.path))?.[1]
  return {
    loaded: true,
    library: library.path,
    ...(version === undefined ? {} : { version }),
    features: readFeatures(library),
    maxCpus: maxCpus(library),
  }
}

/** A library older than the question has what its calls show. */
function builtWith(library: Libkrun, feature: number): boolean {
  if (!library.has('hasFeature')) return true
  try {
    return library.hasFeature(feature) === 1
  } catch (error) {
    if (isErrno(error, 'EINVAL')) return false
    throw error
  }
}

function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}
