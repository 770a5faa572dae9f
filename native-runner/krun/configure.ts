// SPDX-License-Identifier: Apache-2.0
// One machine as a context of libkrun: which calls, in which order. Newer calls are used where the
// library has them, older ones else:
//   root     our kernel and our init, as under QEMU; else libkrun's init mounts the image disk and runs
//            ours; else libkrun's init runs ours from a directory
//   console  a port of a console of our making, and a named port for init; else the ports libkrun makes
//            of its process' standard streams, which its init hands to ours
//   network  krun_add_net_unixstream; else krun_set_passt_fd
// Always: the guest's only way out is the network given. So there is never a vsock device: before 1.17
// libkrun proxies connections for any guest that has one, past our relay. On an error the context is freed.
import { CONTROL_PORT_NAME } from '../../src/contract/guest-protocol'
import { MicrovmError } from '../../src/contract/errors'
import { krunRootKind, type KrunFeatures } from '../../src/contract/krun-probe'
import { CONTROL_VARIABLE } from '../../src/contract/krun-report'
import type {
  RunnerConfig,
  RunnerDisk,
  RunnerRoot,
  RunnerShare,
  RunnerVmm,
} from '../../src/contract/runner-config'
import { topology } from '../net/topology'
import { handsOverProcess1, hasNamedPorts, kernelFormat, maxCpus, readFeatures } from './features'
import { krun, type ContextId, type Libkrun, type Terminal } from './libkrun'

const [STDIN, STDOUT, STDERR] = [0, 1, 2] as const
const INIT = '/.microvm/init'
const BUSYBOX = '/.microvm/bin/busybox'
const kernelArguments = [
  'console=hvc0',
  'root=/dev/vda',
  'rootfstype=erofs',
  'ro',
  `init=${INIT}`,
  'quiet',
  'panic=-1',
  // As libkrun has it: the keyboard controller's reset is what ends the machine.
  'reboot=k',
  'no-kvmapf',
]

export interface KrunMachine extends Pick<
  RunnerConfig,
  'cpus' | 'memoryMib' | 'root' | 'shares' | 'disks'
> {
  readonly vmm: Extract<RunnerVmm, { kind: 'libkrun' }>
}

/** What of ours the guest is connected to. */
export interface Connections {
  /** Unix stream sockets. */
  readonly control: number
  readonly network: number
  readonly terminal: Terminal
  /** Makes descriptor `to` another one for what `from` is. */
  readonly redirect: (from: number, to: number) => void
}

/**
 * @throws INVALID_ARGUMENT for a machine that no libkrun can run, HYPERVISOR_FAILED for one that this
 *   libkrun cannot; the error of the call that failed
 */
export function configureMachine(
  library: Libkrun,
  machine: KrunMachine,
  connections: Connections,
): ContextId {
  const features = readFeatures(library)
  refuse(library, features, machine)
  const context = library.createContext()
  try {
    library.setVmConfig(context, machine.cpus, machine.memoryMib)
    addRoot(library, context, features, machine)
    for (const share of machine.shares) addShare(library, context, share)
    addNetwork(library, context, connections.network)
    addConsole(library, context, connections)
    return context
  } catch (error) {
    library.freeContext(context)
    throw error
  }
}

function refuse(library: Libkrun, features: KrunFeatures, machine: KrunMachine): void {
  const limit = maxCpus(library)
  if (machine.cpus > limit)
    throw new MicrovmError(
      'INVALID_ARGUMENT',
      `${machine.cpus} CPUs are more than a guest of libkrun can have`,
      {
        hint: `Give the machine ${limit} or fewer.`,
      },
    )
  if (!features.network)
    throw cannot('has no network devices', 'Install one that is built with NET=1')
  if (machine.root.kind === 'disk' && krunRootKind(features) !== 'disk')
    throw cannot('cannot boot from a disk', 'Install libkrun 1.17 or newer, built with BLK=1')
  if (machine.disks.length > 0 && machine.root.kind !== 'disk')
    throw cannot('cannot give the machine disks', 'Install libkrun 1.17 or newer, built with BLK=1')
  for (const { tag, readOnly, owner } of machine.shares) {
    if (readOnly && !features.readOnlyShares)
      throw cannot(`cannot share folder ${tag} read-only`, 'Install libkrun 1.18 or newer')
    if (owner !== undefined)
      throw cannot(`cannot change who owns what is in folder ${tag}`, 'Leave the owner as it is')
  }
}

const cannot = (what: string, remedy: string): MicrovmError =>
  new MicrovmError('HYPERVISOR_FAILED', `this libkrun ${what}`, {
    hint: `${remedy}, or run the machine with QEMU.`,
  })

function addRoot(
  library: Libkrun,
  context: ContextId,
  features: KrunFeatures,
  { root, disks, vmm }: KrunMachine,
): void {
  if (root.kind === 'directory') {
    // Old versions take it only before any other virtio-fs device.
    library.setRoot(context, root.path)
    return runInit(library, context)
  }
  addDisks(library, context, root, disks)
  const format = kernelFormat()
  if (features.ownKernel && vmm.kernel !== undefined && format !== undefined) {
    if (library.has('disableImplicitInit')) library.disableImplicitInit(context)
    return library.setKernel(context, vmm.kernel, format, null, kernelArguments.join(' '))
  }
  library.setRootDiskRemount(context, '/dev/vda', 'erofs', 'ro')
  runInit(library, context)
}

/** The guest knows them by their order: vda, vdb, vdc, and one device after the other for extra ones. */
function addDisks(
  library: Libkrun,
  context: ContextId,
  { image, vm, config }: Extract<RunnerRoot, { kind: 'disk' }>,
  disks: readonly RunnerDisk[],
): void {
  const { raw, vmdk } = krun.diskFormat
  const add = (id: string, path: string, format: number, readOnly: boolean): void =>
    library.addDisk3(context, id, path, format, readOnly, false, krun.syncRelaxed)
  add('image', image, vmdk, true)
  add('vm', vm, raw, false)
  add('config', config, raw, true)
  for (const { device, path, readOnly } of disks) add(device, path, raw, readOnly)
}

/** libkrun's own init starts ours: as process 1, which an old one makes it by a namespace of processes. */
function runInit(library: Libkrun, context: ContextId): void {
  const control = hasNamedPorts(library) ? [] : [`${CONTROL_VARIABLE}=stdio`]
  library.setWorkdir(context, '/')
  if (handsOverProcess1(library))
    library.setExec(context, INIT, [], ['KRUN_INIT_PID1=1', ...control])
  else library.setExec(context, BUSYBOX, ['unshare', '--pid', '--fork', INIT], control)
}

function addShare(
  library: Libkrun,
  context: ContextId,
  { tag, hostPath, readOnly }: RunnerShare,
): void {
  if (library.has('addVirtiofs3')) library.addVirtiofs3(context, tag, hostPath, 0, readOnly)
  else library.addVirtiofs(context, tag, hostPath)
}

function addNetwork(library: Libkrun, context: ContextId, fd: number): void {
  const mac = Uint8Array.from(topology.guestMac.split(':'), (byte) => Number.parseInt(byte, 16))
  if (library.has('addNetUnixstream')) {
    // No offloads: what the relay and gvproxy get are whole frames with checksums, as from QEMU.
    library.addNetUnixstream(context, null, fd, mac, 0, 0)
  } else {
    library.setPasstFd(context, fd)
    library.setNetMac(context, mac)
  }
}

function addConsole(library: Libkrun, context: ContextId, connections: Connections): void {
  const { control, terminal, redirect } = connections
  if (library.has('disableImplicitVsock')) library.disableImplicitVsock(context)
  if (!hasNamedPorts(library)) {
    // libkrun makes the console of a standard output that is a terminal, and a port of each of the
    // others that is none.
    redirect(terminal.fd, STDOUT)
    redirect(control, STDIN)
    redirect(control, STDERR)
    return
  }
  library.disableImplicitConsole(context)
  const console = library.addVirtioConsoleMultiport(context)
  // The first port is hvc0.
  library.addConsolePortTty(context, console, '', terminal.fd)
  library.addConsolePortInout(context, console, CONTROL_PORT_NAME, control, control)
}
