// SPDX-License-Identifier: Apache-2.0
// Which accelerator QEMU can really use here. A device file proves nothing: /dev/kvm may open and a
// VM be created while no guest ever runs. So the CPU's flags are read, and our own kernel is booted
// for a moment: it has no disk, and its complaint about that on the console is the proof.
import { execFile, spawn } from 'node:child_process'
import { access, constants, readFile } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { promisify } from 'node:util'
import type { BackendChoice } from '../../../contract/vm-state'

const run = promisify(execFile)

type Accelerator = BackendChoice['accelerator']
export interface AcceleratorChoice {
  readonly accelerator: Accelerator
  /** In words for the Doctor. */
  readonly reason: string
}

/** What the choice depends on; a change of it makes a remembered one void. */
export interface HostFeatures {
  readonly platform: NodeJS.Platform
  /** Why hardware virtualisation cannot work, as far as can be told without trying. */
  readonly obstacle: string | undefined
}

export interface ProbeTarget {
  readonly qemu: string
  readonly kernel: string
}

/** Under KVM the kernel is there in a third of a second; this is for a host under load. */
const PROBE_TIMEOUT_MS = 5000
const MAX_OUTPUT_CHARS = 16 * 1024
const PROBE_MEMORY_MIB = 128
/** The kernel's last word when it has come all the way to looking for a disk. */
const PROOF = 'Unable to mount root fs'

export async function readHostFeatures(platform = process.platform): Promise<HostFeatures> {
  const obstacle =
    platform === 'linux'
      ? await linuxObstacle()
      : platform === 'darwin'
        ? await macObstacle()
        : `no accelerator is known for ${platform}`
  return { platform, obstacle }
}

/** @param attempt gives undefined if a guest runs under it, else why not */
export async function chooseAccelerator(
  features: HostFeatures,
  attempt: (accelerator: Accelerator) => Promise<string | undefined>,
): Promise<AcceleratorChoice> {
  const accelerator = features.platform === 'darwin' ? 'hvf' : 'kvm'
  const obstacle = features.obstacle ?? (await attempt(accelerator))
  return obstacle === undefined
    ? { accelerator, reason: 'a guest ran under hardware virtualisation' }
    : { accelerator: 'tcg', reason: `no hardware virtualisation: ${obstacle}` }
}

async function linuxObstacle(): Promise<string | undefined> {
  const cpuinfo = await readFile('/proc/cpuinfo', 'latin1').catch(() => '')
  if (!cpuHasVirtualisation(cpuinfo)) return 'the CPU has neither vmx nor svm'
  try {
    await access('/dev/kvm', constants.R_OK | constants.W_OK)
    return undefined
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT'
      ? '/dev/kvm is missing; try `sudo modprobe kvm_intel` or `kvm_amd`'
      : '/dev/kvm may not be opened; add yourself to the group kvm and log in again'
  }
}

/** @param cpuinfo of an x86 host; vmx is Intel's flag, svm AMD's */
export function cpuHasVirtualisation(cpuinfo: string): boolean {
  const flags = /^flags\s*:(.*)$/m.exec(cpuinfo)?.[1]?.split(/\s+/) ?? []
  return flags.includes('vmx') || flags.includes('svm')
}

async function macObstacle(): Promise<string | undefined> {
  const { stdout } = await run('sysctl', ['-n', 'kern.hv_support']).catch(() => ({ stdout: '' }))
  return stdout.trim() === '1' ? undefined : 'kern.hv_support is not 1'
}

/**
 * Boots the kernel without a disk.
 * @returns undefined if it ran until it missed its disk, else what went wrong
 */
export async function tryAccelerator(
  target: ProbeTarget,
  accelerator: Accelerator,
  timeoutMs = PROBE_TIMEOUT_MS,
): Promise<string | undefined> {
  const child = spawn(target.qemu, probeArguments(target.kernel, accelerator), {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: '/',
  })
  const output = firstOf(child.stdout)
  const complaints = firstOf(child.stderr)
  const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs)
  const failure = await new Promise<Error | undefined>((resolve) => {
    child.once('error', resolve).once('close', () => resolve(undefined))
  })
  clearTimeout(timer)
  if (output().includes(PROOF)) return undefined
  const said = complaints().trim().split('\n')[0]
  if (said) return `${accelerator} fails: ${said}`
  return failure
    ? `QEMU cannot be started: ${failure.message}`
    : `a guest under ${accelerator} does not come up`
}

/** Collects what a stream says, up to a bound. */
function firstOf(stream: Readable): () => string {
  let text = ''
  stream.setEncoding('utf8').on('data', (part: string) => {
    if (text.length < MAX_OUTPUT_CHARS) text += part
  })
  return () => text
}

function probeArguments(kernel: string, accelerator: Accelerator): string[] {
  return [
    ...['-M', 'microvm,x-option-roms=off,rtc=on,acpi=off,isa-serial=off'],
    ...['-accel', accelerator, '-cpu', accelerator === 'tcg' ? 'max' : 'host'],
    ...['-m', `${PROBE_MEMORY_MIB}M`, '-nodefaults', '-no-user-config', '-display', 'none'],
    ...['-chardev', 'stdio,id=console', '-device', 'virtio-serial-device'],
    ...['-device', 'virtconsole,chardev=console'],
    ...['-no-reboot', '-kernel', kernel, '-append', 'console=hvc0 quiet panic=-1 reboot=t'],
  ]
}
