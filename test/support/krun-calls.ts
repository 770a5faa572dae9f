// SPDX-License-Identifier: Apache-2.0
// The calls of libkrun that a machine takes, as test/integration/krun-contract.test.ts expects them.
import { expect } from 'vitest'
import { CONTROL_PORT_NAME } from '../../src/contract/guest-protocol'
import type { RecordedCall, RecordingLibkrun } from './recording-libkrun'

export const commandLine =
  'console=hvc0 root=/dev/vda rootfstype=erofs ro init=/.microvm/init quiet panic=-1 reboot=k no-kvmapf'
/** Errnos of Linux. */
export const [EACCES, EINVAL] = [13, 22]
/** Descriptors krun-vmm is handed; the terminal is one that it opens. */
const CONTROL = 3
export const NETWORK = 4
export const ANY = expect.anything() as unknown
export const MAC = [0x5a, 0x94, 0xef, 0xe4, 0x0c, 0xee]

/** Without the questions, whose answers show in what comes after them. */
export async function told(library: RecordingLibkrun): Promise<RecordedCall[]> {
  const questions = new Set(['krun_has_feature', 'krun_get_max_vcpus'])
  return (await library.calls()).filter(({ call }) => !questions.has(call))
}
export const call = (name: string, ...args: unknown[]): RecordedCall => ({
  call: `krun_${name}`,
  args,
})

export const consoleCalls = [
  call('disable_implicit_vsock', 0),
  call('disable_implicit_console', 0),
  call('add_virtio_console_multiport', 0),
  call('add_console_port_tty', 0, 0, '', ANY),
  call('add_console_port_inout', 0, 0, CONTROL_PORT_NAME, CONTROL, CONTROL),
]
export const networkCall = call('add_net_unixstream', 0, null, NETWORK, MAC, 0, 0)
export const initCalls = [
  call('set_workdir', 0, '/'),
  call('set_exec', 0, '/.microvm/init', [], ['KRUN_INIT_PID1=1']),
]
