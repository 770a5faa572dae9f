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

const noNul = z.string().refine((text) => !text.includes('\0'), 'must not contain a NUL byte')

export const vmSpecSchema = z.object({
  name: vmNameSchema,
  /** As the user typed it; the exact content is pinned by `VmRecord.imageDigest`. */
  image: z.string().min(1).max(512),
  cpus: between(vmLimits.cpus, 'CPUs'),
  memoryMib: between(vmLimits.memoryMib, 'MiB'),
  diskMib: between(vmLimits.diskMib, 'MiB'),
  ports: z.array(portForwardSchema).max(vmLimits.ports).default([]),
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
  /** Deleted as soon as it has stopped. */
  autoRemove: z.boolean().default(false),
})
export type VmSpec = z.infer<typeof vmSpecSchema>
/** As a caller may give it: everything with a default is optional. */
export type VmSpecInput = z.input<typeof vmSpecSchema>

export const vmIdSchema = z.string().regex(/^[0-9a-f]{12}$/)
