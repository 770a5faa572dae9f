// SPDX-License-Identifier: Apache-2.0
// What the guest's init (C) and the runner say over the named virtio-serial port.
// Guest → runner: one JSON object per line, at most 4096 bytes. The guest is hostile: a line that
// does not parse is counted and dropped, never fatal.
// Runner → guest: one command per line, words separated by a space (init has no JSON parser).
import { z } from 'zod'

export const CONTROL_PORT_NAME = 'org.microvm.control'
export const CONTROL_LINE_BYTES = 4096

/**
 * Where a VMM has one virtio-fs device for all shared folders, its tag; each share is then a folder in it, named by
 * its own tag. A VMM without a device of this tag has one device per share.
 */
export const SHARES_TAG = 'shares'

/** Milliseconds of the guest's CLOCK_BOOTTIME when it happened. */
const uptime = z.number().nonnegative()

export const guestEventSchema = z.discriminatedUnion('event', [
  /** First line of all: init runs. `protocol` is 1. */
  z.object({ event: z.literal('hello'), uptime, protocol: z.literal(1) }),
  z.object({ event: z.literal('mounted'), uptime }),
  z.object({ event: z.literal('network-up'), uptime }),
  z.object({ event: z.literal('sshd-ready'), uptime }),
  z.object({ event: z.literal('entrypoint-started'), uptime, pid: z.number().int() }),
  /** The command could not be started; `code` 127 not found, 126 not executable, 125 user or workdir missing. */
  z.object({
    event: z.literal('entrypoint-failed'),
    uptime,
    code: z.number().int(),
    message: z.string(),
  }),
  /** The entrypoint ended; init shuts the machine down. */
  z.object({ event: z.literal('exited'), uptime, code: z.number().int() }),
  z.object({ event: z.literal('warning'), uptime, message: z.string() }),
  /** Init cannot go on; the machine powers off. */
  z.object({ event: z.literal('fatal'), uptime, message: z.string() }),
  /** Someone inside asked for it, or the runner did. Sent once everything is killed, before sync and unmount. */
  z.object({
    event: z.literal('shutdown'),
    uptime,
    reason: z.enum(['runner', 'entrypoint', 'poweroff', 'reboot', 'fatal']),
  }),
  /** Every 2 s. */
  z.object({
    event: z.literal('stats'),
    uptime,
    cpuPercent: z.number(),
    memoryUsedMib: z.number(),
    memoryTotalMib: z.number(),
  }),
])
export type GuestEvent = z.infer<typeof guestEventSchema>

export const guestCommands = {
  /** TERM to the entrypoint, wait, KILL everything, sync, unmount, power off. */
  poweroff: (graceMs: number): string => `poweroff ${graceMs}\n`,
  /** Seconds since the epoch, with fraction. */
  setTime: (seconds: number): string => `set-time ${seconds.toFixed(3)}\n`,
} as const
