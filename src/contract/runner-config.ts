// SPDX-License-Identifier: Apache-2.0
// What the app hands the runner, as vms/<id>/runner.json. The one definition; nobody copies it.
import { z } from 'zod'
import { portForwardSchema, vmIdSchema, vmLimits } from './vm-spec'
import { backendChoiceSchema, timelineEventSchema } from './vm-state'

const absolutePath = z.string().startsWith('/')

/** What the guest boots from. */
const rootSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('disk'),
    /** /dev/vda, read-only: VMDK descriptor of the image disk. */
    image: absolutePath,
    /** /dev/vdb, raw, writable. */
    vm: absolutePath,
    /** /dev/vdc, raw, read-only. */
    config: absolutePath,
  }),
  /** For libkrun without block devices: a folder of this machine alone, which also holds its config. */
  z.object({ kind: z.literal('directory'), path: absolutePath }),
])
export type RunnerRoot = z.infer<typeof rootSchema>

const shareSchema = z.object({
  /** What the guest mounts it by. */
  tag: z.string().regex(/^[a-z0-9-]{1,35}$/),
  hostPath: absolutePath,
  readOnly: z.boolean(),
  /** The user and group that everything in it belongs to, as the guest sees it; absent: as on the host. */
  owner: z.object({ uid: z.number().int().min(0), gid: z.number().int().min(0) }).optional(),
})
export type RunnerShare = z.infer<typeof shareSchema>

/** A disk beside the machine's own. */
const diskSchema = z.object({
  /** Raw. */
  path: absolutePath,
  readOnly: z.boolean(),
  /** A multiple of 512; a file of another size is refused. */
  sizeBytes: z.number().int().min(512),
  /**
   * The guest's block device that holds it. `vdc` holds the config drive and then, in order, its disks; another one
   * nothing but its disks, in order. So a disk lies at as many bytes from its device's end as it and those after it have.
   */
  device: z.string().regex(/^vd[c-k]$/),
})
export type RunnerDisk = z.infer<typeof diskSchema>

/** The program that runs the machine, and what it alone needs. */
const vmmSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('qemu'),
    /** qemu-system-*. */
    executable: absolutePath,
    /** The guest kernel: PVH ELF on x86-64, Image on arm64. */
    kernel: absolutePath,
    /** QEMU's machine type: `microvm` is x86-64's, and meant if absent; `virt` is arm64's. */
    machine: z.enum(['microvm', 'virt']).optional(),
    /** Needed where there are shares. */
    virtiofsd: absolutePath.optional(),
    /** false: this QEMU cannot confine itself by seccomp (`-sandbox`) and would not start. */
    sandbox: z.boolean().optional(),
  }),
  z.object({
    kind: z.literal('libkrun'),
    /** Node, or Electron run as Node: what runs krun-vmm. */
    executable: absolutePath,
    /** krun-vmm's script. */
    script: absolutePath,
    /** Where libkrun and libkrunfw are looked for first; absent: where the system has libraries. */
    libDir: absolutePath.optional(),
    /** The guest kernel as ELF, for a libkrun that takes one; else it takes libkrunfw's. */
    kernel: absolutePath.optional(),
  }),
])
export type RunnerVmm = z.infer<typeof vmmSchema>

export const runnerConfigSchema = z.object({
  vmId: vmIdSchema,
  name: z.string(),
  /** vms/<id>: state.json, console.log and runner.log are written here. */
  vmDir: absolutePath,
  /** Folder for sockets, short enough for sun_path; 0700. Removed with its sockets at the end if it is not vmDir. */
  socketDir: absolutePath,
  backend: backendChoiceSchema,
  cpus: z.number().int().min(1),
  memoryMib: z.number().int().min(1),
  root: rootSchema,
  /** Host folders the guest may reach, shared by virtio-fs. */
  shares: z.array(shareSchema).default([]),
  /** Held under a lock of the kernel's while the machine runs. Only with `root` of kind `disk`. */
  disks: z.array(diskSchema).max(vmLimits.disks).default([]),
  vmm: vmmSchema,
  gvproxy: absolutePath,
  ports: z.array(portForwardSchema),
  /** Milliseconds. How long the entrypoint has after its stop signal before it is killed. */
  stopGraceMs: z.number().int().default(10_000),
  /** Milliseconds without any word from init after which a boot has failed. */
  bootTimeoutMs: z.number().int().default(60_000),
  /** Bytes console.log may hold; the older half goes when it is full. */
  consoleLogBytes: z
    .number()
    .int()
    .default(4 * 1024 * 1024),
  /** When the launch began (ms since the epoch) and what the app has already done of it. */
  launch: z.object({ startedAt: z.number(), timeline: z.array(timelineEventSchema) }),
})
export type RunnerConfig = z.infer<typeof runnerConfigSchema>
/** As the app builds it: everything with a default is optional. */
export type RunnerConfigInput = z.input<typeof runnerConfigSchema>

/** Exit codes of the runner process (SPEC: "runner"). */
export const runnerExitCodes = {
  ok: 0,
  config: 64, // runner.json missing or refused
  runtime: 69, // a part died while the machine ran
  startup: 70, // control socket, gvproxy or relay could not start
  hypervisor: 71, // the VMM could not start, or the guest never came up
} as const
