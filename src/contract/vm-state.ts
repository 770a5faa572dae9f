// SPDX-License-Identifier: Apache-2.0
// What is. Written to vms/<id>/state.json by the runner while it lives, by the manager when it does not.
import { z } from 'zod'
import { wireErrorSchema } from './errors'
import { backendNameSchema, portForwardSchema } from './vm-spec'

export const STATE_VERSION = 1

/** Identity of a process: a pid alone may have been given to another process since. */
export const processIdentitySchema = z.object({
  pid: z.number().int().min(2),
  /** Opaque, equal for the same process: start time in clock ticks since boot + boot id (Linux). */
  startTime: z.string(),
  executable: z.string(),
})
export type ProcessIdentity = z.infer<typeof processIdentitySchema>

export const vmStatusSchema = z.enum([
  'stopped', // not running; never started, or ended as asked, or the entrypoint returned 0
  'starting', // from the user's click until sshd answers
  'running',
  'paused', // the VMM waits, e.g. because the host's disk is full
  'stopping',
  'failed', // not running; `error` says why
])
export type VmStatus = z.infer<typeof vmStatusSchema>

/**
 * One bar boundary of the launch waterfall. `at` is milliseconds since the launch began (the
 * user's click), on one clock; `name` is the stage that ENDED at this time, in order:
 * image, disk, network and vmm (side by side), kernel, mounted, network-up, sshd-ready, entrypoint.
 */
export const timelineEventSchema = z.object({ name: z.string().max(64), at: z.number() })
export type TimelineEvent = z.infer<typeof timelineEventSchema>

export const backendChoiceSchema = z.object({
  name: backendNameSchema,
  accelerator: z.enum(['kvm', 'hvf', 'tcg']),
  /** Why this one, in words for the Doctor: "no hardware virtualisation: CPU has neither vmx nor svm". */
  reason: z.string(),
})
export type BackendChoice = z.infer<typeof backendChoiceSchema>

export const vmStateSchema = z.object({
  version: z.literal(STATE_VERSION),
  status: vmStatusSchema,
  runner: processIdentitySchema.optional(),
  /** Who prepares the launch; only while there is no runner yet. */
  launcher: processIdentitySchema.optional(),
  /** Control socket of the runner; absent when none runs. */
  socket: z.string().optional(),
  backend: backendChoiceSchema.optional(),
  /** Milliseconds since the epoch. */
  startedAt: z.number().optional(),
  stoppedAt: z.number().optional(),
  /** Exit code of the entrypoint, 128+n if a signal ended it. */
  exitCode: z.number().int().optional(),
  error: wireErrorSchema.optional(),
  /** Forwards in force, with real host ports. */
  ports: z.array(portForwardSchema).default([]),
  /** Bytes of each extra disk, in the order of the spec; absent before there are any. */
  diskBytes: z.array(z.number().int()).optional(),
  timeline: z.array(timelineEventSchema).max(64).default([]),
})
export type VmState = z.infer<typeof vmStateSchema>

/** One reading every 2 s while running. CPU and memory as the guest itself reports them: never trusted, only drawn. */
export const vmStatsSchema = z.object({
  at: z.number(),
  cpuPercent: z.number(),
  memoryUsedMib: z.number(),
  memoryTotalMib: z.number(),
  /** Since start, counted by the relay. `rx` is towards the guest. */
  rxBytes: z.number(),
  txBytes: z.number(),
})
export type VmStats = z.infer<typeof vmStatsSchema>
