// SPDX-License-Identifier: Apache-2.0
// Which accelerator QEMU can really use here. A device file proves nothing: /dev/kvm may open and a
// VM be created while no guest ever runs. So where nothing speaks against it (host-features.ts), our own
// kernel is booted for a moment: it has no disk, and its complaint about that on the console is the proof.
import { spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import type { BackendChoice } from '../../../contract/vm-state'
import type { HostFeatures } from '../host-features'

type Accelerator = BackendChoice['accelerator']
export interface AcceleratorChoice {
  readonly accelerator: Accelerator
  /** In words for the Doctor. */
  readonly reason: string
  /** What would give a faster one. */
  readonly hint?: string
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

const microvm = 'microvm,x-option-roms=off,rtc=on,acpi=off,isa-serial=off'

/** QEMU's type of machine for guests of an architecture. */
export const machineFor = (arch: string): 'microvm' | 'virt' =>
  arch === 'arm64' ? 'virt' : 'microvm'

/** @param attempt gives undefined if a guest runs under it, else why not */
export async function chooseAccelerator(
  features: HostFeatures,
  attempt: (accelerator: Accelerator) => Promise<string | undefined>,
): Promise<AcceleratorChoice> {
  const accelerator = features.platform === 'darwin' ? 'hvf' : 'kvm'
  const { obstacle } = features
  const problem = obstacle?.reason ?? (await attempt(accelerator))
  if (problem === undefined)
    return { accelerator, reason: 'a guest ran under hardware virtualisation' }
  const reason = `no hardware virtualisation: ${problem}`
  return { accelerator: 'tcg', reason, ...(obstacle ? { hint: obstacle.hint } : {}) }
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
    ...['-M', machineFor(process.arch) === 'virt' ? 'virt,acpi=off,gic-version=max' : microvm],
    ...['-accel', accelerator, '-cpu', accelerator === 'tcg' ? 'max' : 'host'],
    ...['-m', `${PROBE_MEMORY_MIB}M`, '-nodefaults', '-no-user-config', '-display', 'none'],
    ...['-chardev', 'stdio,id=console', '-device', 'virtio-serial-device'],
    ...['-device', 'virtconsole,chardev=console'],
    ...['-no-reboot', '-kernel', kernel, '-append', 'console=hvc0 quiet panic=-1 reboot=t'],
  ]
}
