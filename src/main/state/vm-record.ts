// SPDX-License-Identifier: Apache-2.0
// vms/<id>/spec.json: what the user asked for, and what its first start pinned.
import { z } from 'zod'
import { digestSchema, type ImageConfig } from '../../contract/images'
import { vmIdSchema, vmSpecSchema } from '../../contract/vm-spec'

export const RECORD_VERSION = 1

const imageConfigSchema: z.ZodType<ImageConfig> = z.object({
  entrypoint: z.array(z.string()),
  cmd: z.array(z.string()),
  env: z.array(z.string()),
  workdir: z.string(),
  user: z.string(),
  exposedPorts: z.array(z.number().int()),
  stopSignal: z.string(),
})

/**
 * The exact content behind `spec.image`, from the first start on. The machine's disk holds changes
 * over this tree and would mean nothing over another one, even if the tag moves.
 */
const pinnedImageSchema = z.object({
  digest: digestSchema,
  /** Digests of the uncompressed layers, bottom first. */
  diffIds: z.array(digestSchema),
  config: imageConfigSchema,
})

export const vmRecordSchema = z.object({
  version: z.literal(RECORD_VERSION),
  id: vmIdSchema,
  /** Milliseconds since the epoch. */
  createdAt: z.number(),
  spec: vmSpecSchema,
  image: pinnedImageSchema.optional(),
})
export type VmRecord = z.infer<typeof vmRecordSchema>
export type PinnedImage = z.infer<typeof pinnedImageSchema>
