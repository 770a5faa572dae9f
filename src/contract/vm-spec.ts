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
  disks: 8,
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

/** What lies inside another would be hidden by it, or hide part of it. */
const overlaps = (path: string, other: string): boolean =>
  isBelow(path, other) || isBelow(other, path)

/** Each at a place of its own. */
const mountsSchema = z
  .array(mountSchema)
  .max(vmLimits.mounts, `at most ${vmLimits.mounts} folders`)
  .superRefine((mounts, context) => {
    mounts.forEach(({ guestPath }, index) => {
      const other = mounts.slice(0, index).find((m) => overlaps(guestPath, m.guestPath))
      if (other === undefined) return
      const message =
        other.guestPath === guestPath
          ? `another folder is at ${guestPath} already`
          : `${guestPath} and ${other.guestPath} lie in one another`
      context.addIssue({ code: 'custom', path: [index, 'guestPath'], message })
    })
  })

/** Whether a disk's source is downloaded; else it is a file of the host. */
export const isDiskUrl = (source: string): boolean => /^https?:\/\//i.test(source)

const diskSourceSchema = noNul
  .refine(fitsPath, 'is too long')
  .refine(
    (source) => source.startsWith('/') || isDiskUrl(source),
    'must be the absolute path of a file, or an https:// address',
  )
  .refine(
    (source) => !isDiskUrl(source) || isUsableUrl(source),
    'must be an https:// address (http:// on this computer only) without user name and password',
  )

function isUsableUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, hostname, username, password } = new URL(text)
  const isLoopback = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname)
  return (protocol === 'https:' || isLoopback) && username === '' && password === ''
}

/** A disk of the user's beside the machine's own: raw bytes, with a file system on them or without. */
export const diskSchema = z
  .object({
    /** A file of the host, or where to download one from. */
    source: diskSourceSchema,
    /** Hexadecimal, of the download as it is published, compressed or not. */
    sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits')
      .optional(),
    /** If not: a file is written in place, a download is copied for the machine first. */
    readOnly: z.boolean().default(true),
    /** Where the guest mounts the file system on it; absent: the guest has the device only. */
    guestPath: guestPathSchema.optional(),
  })
  .refine(({ source, sha256 }) => sha256 === undefined || isDiskUrl(source), {
    path: ['sha256'],
    message: 'is for downloads only',
  })
export type DiskSpec = z.infer<typeof diskSchema>

const disksSchema = z.array(diskSchema).max(vmLimits.disks, `at most ${vmLimits.disks} disks`)

/** Name of a machine's disk in the guest's /dev, by its place in `VmSpec.disks`. */
export const diskDevice = (index: number): string => `/dev/disk${index}`

const vmSpecFields = z.object({
  name: vmNameSchema,
  /** As the user typed it; the exact content is pinned by `VmRecord.imageDigest`. */
  image: z.string().min(1).max(512),
  cpus: between(vmLimits.cpus, 'CPUs'),
  memoryMib: between(vmLimits.memoryMib, 'MiB'),
  diskMib: between(vmLimits.diskMib, 'MiB'),
  ports: z.array(portForwardSchema).max(vmLimits.ports).default([]),
  mounts: mountsSchema.default([]),
  disks: disksSchema.default([]),
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

export const vmSpecSchema = vmSpecFields.superRefine(({ mounts, disks }, context) => {
  disks.forEach(({ source, readOnly, guestPath }, index) => {
    const before = disks.slice(0, index)
    const twice = before.find((disk) => disk.source === source && !isDiskUrl(source))
    if (twice !== undefined && !(readOnly && twice.readOnly))
      context.addIssue({
        code: 'custom',
        path: ['disks', index, 'source'],
        message: 'is a disk of this machine already; a file that is written can be one only',
      })
    if (guestPath === undefined) return
    const places = [...mounts, ...before].flatMap((place) => place.guestPath ?? [])
    const other = places.find((place) => overlaps(guestPath, place))
    if (other === undefined) return
    const message =
      other === guestPath
        ? `another folder or disk is at ${guestPath} already`
        : `${guestPath} and ${other} lie in one another`
    context.addIssue({ code: 'custom', path: ['disks', index, 'guestPath'], message })
  })
})
export type VmSpec = z.infer<typeof vmSpecSchema>
/** As a caller may give it: everything with a default is optional. */
export type VmSpecInput = z.input<typeof vmSpecSchema>

export const vmIdSchema = z.string().regex(/^[0-9a-f]{12}$/)
