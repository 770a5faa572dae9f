// SPDX-License-Identifier: Apache-2.0
// What the host offers for virtualisation, as far as can be told by looking: CPU flags, the device, macOS's
// word. A device file proves nothing by itself: /dev/kvm may open while no guest ever runs.
import { execFile } from 'node:child_process'
import { access, constants, readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Why hardware virtualisation cannot work, in words for the Doctor. */
export interface Obstacle {
  readonly reason: string
  readonly hint: string
}

/** A change of it makes every remembered probe void. */
export interface HostFeatures {
  readonly platform: NodeJS.Platform
  readonly obstacle: Obstacle | undefined
}

/** How the host is asked; files and programs of this one unless given. */
export interface HostQuestions {
  readonly platform: NodeJS.Platform
  readonly arch: string
  /** Text of /proc/cpuinfo, '' if there is none. */
  cpuinfo(): Promise<string>
  /** undefined if /dev/kvm can be read and written, else the system's error code. */
  kvm(): Promise<string | undefined>
  /** What `sysctl -n NAME` says, '' if nothing. */
  sysctl(name: string): Promise<string>
}

const thisHost: HostQuestions = {
  platform: process.platform,
  arch: process.arch,
  cpuinfo: () => readFile('/proc/cpuinfo', 'latin1').catch(() => ''),
  kvm: () =>
    access('/dev/kvm', constants.R_OK | constants.W_OK).then(
      () => undefined,
      (error: NodeJS.ErrnoException) => error.code ?? 'unknown',
    ),
  sysctl: (name) =>
    run('sysctl', ['-n', name]).then(
      ({ stdout }) => stdout.trim(),
      () => '',
    ),
}

export async function readHostFeatures(host: HostQuestions = thisHost): Promise<HostFeatures> {
  const { platform } = host
  if (platform === 'linux') return { platform, obstacle: await linuxObstacle(host) }
  if (platform === 'darwin') return { platform, obstacle: await macObstacle(host) }
  const reason = `no accelerator is known for ${platform}`
  return { platform, obstacle: { reason, hint: 'Use Linux or macOS.' } }
}

async function linuxObstacle(host: HostQuestions): Promise<Obstacle | undefined> {
  const problem = await host.kvm()
  const flag = host.arch === 'x64' ? cpuVirtualisation(await host.cpuinfo()) : 'other'
  if (flag === undefined) {
    const useless = problem === 'ENOENT' ? '' : ', so that /dev/kvm is of no use'
    return {
      reason: `the CPU has neither vmx nor svm${useless}`,
      hint: 'Turn virtualisation on in the computer’s firmware; in a virtual machine, nested virtualisation in its settings.',
    }
  }
  if (problem === undefined) return undefined
  if (problem !== 'ENOENT')
    return {
      reason: `/dev/kvm may not be opened (${problem})`,
      hint: 'Add yourself to the group kvm with `sudo usermod -aG kvm $USER`, then log in again.',
    }
  const module = { vmx: 'kvm_intel', svm: 'kvm_amd', other: 'kvm' }[flag]
  return { reason: '/dev/kvm is missing', hint: `Load the module: sudo modprobe ${module}` }
}

/** @param cpuinfo of an x86 host; vmx is Intel's flag, svm AMD's */
export function cpuVirtualisation(cpuinfo: string): 'vmx' | 'svm' | undefined {
  const flags = /^flags\s*:(.*)$/m.exec(cpuinfo)?.[1]?.split(/\s+/) ?? []
  return (['vmx', 'svm'] as const).find((flag) => flags.includes(flag))
}

async function macObstacle(host: HostQuestions): Promise<Obstacle | undefined> {
  if ((await host.sysctl('kern.hv_support')) === '1') return undefined
  return {
    reason: 'kern.hv_support is not 1',
    hint: 'This Mac, or the virtual machine it is, does not offer Hypervisor.framework.',
  }
}
