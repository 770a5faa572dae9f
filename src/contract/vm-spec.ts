// SPDX-License-Identifier: Apache-2.0
// What the user asked for. Stored as vms/<id>/spec.json, sent over IPC, printed by the CLI.
import { z } from 'zod'

const MIB_PER_GIB = 1024

/** Limits that hold on every host; the host's own (cores, RAM, free disk) come on top, in preflight. */
export const vmLimits = {
  nameLength: 63,
  cpus: { min: 1, max: 16, default: 1 },
  memoryMib: { min: 64, max: 1024 * MIB_PER_GIB, default: 512 },
  diskMib: { min: 128, max: 2048 * MIB_PER_GIB, default: 10 * MIB_PER_GIB },
  ports: 64,
  mounts: 8,
  pathBytes: 4096,
  envBytes: 1024 * 1024,
} as const

const port = z.number().int().min(1).max(65_535)

/** TCP from the host's loopback to the guest. `host` 0: any free port, chosen at start and reported. */
export const portForwardSchema = z.object({
  host: z.number().int().min(0).max(65_535),
  guest: port,
})
export type PortForward = z.infer<typeof portForwardSchema>

/** A name is a DNS label: it becomes the guest's host name. */
export const vmNameSchema = z
  .string()
  .regex(
    /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/,
    'use 1 to 63 lower-case letters, digits and hyphens; a hyphen neither first nor last',
  )

export const envNameSchema = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'a variable name is letters, digits and _, no digit first')

function between(
  { min, max, default: otherwise }: { min: number; max: number; default: number },
  unit: string,
): z.ZodDefault<z.ZodNumber> {
  const message = `must be a whole number from ${min} to ${max} ${unit}`
  return z.number(message).int(message).min(min, message).max(max, message).default(otherwise)
}

export const backendNameSchema = z.enum(['qemu', 'libkrun'], 'must be libkrun or qemu')
export type BackendName = z.infer<typeof backendNameSchema>

const noNul = z.string().refine((text) => !text.includes('\0'), 'must not contain a NUL byte')

/** Init's own, and file systems the kernel makes. */
const NO_MOUNT_BELOW = ['/.microvm', '/proc', '/sys', '/dev']
/** Init itself writes files right there. */
const NO_MOUNT_AT = new Set(['/', '/etc', '/run'])

const isBelow = (path: string, top: string): boolean => path === top || path.startsWith(`${top}/`)

const fitsPath = (path: string): boolean =>
  new TextEncoder().encode(path).length < vmLimits.pathBytes

const guestPathSchema = noNul
  .refine(
    (path) => path === '/' || /^(?:\/(?!\.{1,2}(?:\/|$))[^/]+)+$/.test(path),
    'must be an absolute path in the machine, without . and .. and no slash at its end',
  )
  .refine(fitsPath, 'is too long')
  .refine(
    (path) => !NO_MOUNT_AT.has(path) && !NO_MOUNT_BELOW.some((top) => isBelow(path, top)),
    'is the system’s own in a machine; choose another folder',
  )

const ownerId = z.number().int().min(0).max(2_147_483_647)

/** A folder of the host that a machine may reach. */
export const mountSchema = z.object({
  /** Must be there when the machine starts. */
  hostPath: noNul.startsWith('/', 'must be an absolute path').refine(fitsPath, 'is too long'),
  /** Made if the image has none. */
  guestPath: guestPathSchema,
  readOnly: z.boolean().default(false),
  /** Whom everything in it belongs to, as the guest sees it. Absent: as on the host. */
  owner: z.object({ uid: ownerId, gid: ownerId }).optional(),
})
export type Mount = z.infer<typeof mountSchema>

/** Each at a place of its own: a folder inside another would hide part of it, or be hidden. */
const mountsSchema = z
  .array(mountSchema)
  .max(vmLimits.mounts, `at most ${vmLimits.mounts} folders`)
  .superRefine((mounts, context) => {
    mounts.forEach(({ guestPath }, index) => {
      const other = mounts
        .slice(0, index)
        .find((m) => isBelow(guestPath, m.guestPath) || isBelow(m.guestPath, guestPath))
      if (other === undefined) return
      const message =
        other.guestPath === guestPath
          ? `another folder is at ${guestPath} already`
          : `${guestPath} and ${other.guestPath} lie in one another`
      context.addIssue({ code: 'custom', path: [index, 'guestPath'], message })
    })
  })

export const vmSpecSchema = z.object({
  name: vmNameSchema,
  /** As the user typed it; the exact content is pinned by `VmRecord.imageDigest`. */
  image: z.string().min(1).max(512),
  cpus: between(vmLimits.cpus, 'CPUs'),
  memoryMib: between(vmLimits.memoryMib, 'MiB'),
  diskMib: between(vmLimits.diskMib, 'MiB'),
  ports: z.array(portForwardSchema).max(vmLimits.ports).default([]),
  mounts: mountsSchema.default([]),
  /** Added to the image's own; same name wins over the image's. */
  env: z
    .record(envNameSchema, noNul)
    .refine(
      (env) => JSON.stringify(env).length <= vmLimits.envBytes,
      'the environment is larger than 1 MiB',
    )
    .default({}),
  /**
   * What runs as the machine's main process. Absent: the image's entrypoint and command.
   * Empty: nothing; the machine idles until it is stopped. Else: exactly these words.
   */
  command: z.array(noNul).max(1024).optional(),
  /** Absent: the image's. `user`, `user:group`, or numeric ids. */
  user: noNul.max(256).optional(),
  workdir: noNul.startsWith('/').max(4096).optional(),
  /** What runs it. Absent: the best that works on this host. */
  backend: backendNameSchema.optional(),
  /** Deleted as soon as it has stopped. */
  autoRemove: z.boolean().default(false),
})
export type VmSpec = z.infer<typeof vmSpecSchema>
/** As a caller may give it: everything with a default is optional. */
export type VmSpecInput = z.input<typeof vmSpecSchema>

export const vmIdSchema = z.string().regex(/^[0-9a-f]{12}$/)
