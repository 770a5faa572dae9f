// SPDX-License-Identifier: Apache-2.0
// How the runner and the krun-vmm it starts hang together: the descriptors that are handed down, and what
// krun-vmm says of itself before libkrun takes its process over: one line of JSON each.
import { z } from 'zod'
import { wireErrorSchema } from './errors'

/** The first inherited descriptor is 3. Socket pairs; the last is the master side of a pseudo-terminal. */
export const krunDescriptors = { control: 3, network: 4, report: 5, terminal: 6 } as const

/**
 * Set to "stdio" in init's environment where libkrun offers no port of a name of ours: commands then
 * come in on init's standard input, and events go out on its standard error.
 */
export const CONTROL_VARIABLE = 'MICROVM_CONTROL'

export const krunReportSchema = z.union([
  /** Everything is set up; the guest starts now. */
  z.object({ entering: z.literal(true) }),
  /** It could not be started. */
  z.object({ error: wireErrorSchema }),
])
export type KrunReport = z.infer<typeof krunReportSchema>
