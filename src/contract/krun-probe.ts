// SPDX-License-Identifier: Apache-2.0
// What `krun-vmm --probe [LIBRARY-FOLDER]` prints on stdout, as one line of JSON, before it ends with 0:
// what the libkrun of this host can do. Loading a library runs its code, so the app never does it
// itself; a probe that crashes or prints anything else counts as a library that cannot be used.
import { z } from 'zod'
import { wireErrorSchema } from './errors'
import type { RunnerRoot } from './runner-config'

/** Whether the library has all the calls that something takes, and was built with it. */
const krunFeaturesSchema = z.object({
  /** Ethernet frames over a Unix stream socket; without it no machine can run. */
  network: z.boolean(),
  /** Several block devices, read-only ones and VMDK descriptors among them. */
  disks: z.boolean(),
  /** Boots a kernel of ours with a command line of ours, and leaves its own init out. */
  ownKernel: z.boolean(),
  /** Its own init mounts a block device as the root before it runs our program. */
  remountRoot: z.boolean(),
  /** Folders the host itself keeps the guest from writing to. */
  readOnlyShares: z.boolean(),
})
export type KrunFeatures = z.infer<typeof krunFeaturesSchema>

export const krunProbeSchema = z.discriminatedUnion('loaded', [
  z.object({
    loaded: z.literal(true),
    /** The file, or the name if the linker found it. */
    library: z.string().min(1).max(4096),
    /** Absent if it does not tell. */
    version: z.string().max(64).optional(),
    features: krunFeaturesSchema,
    /** As many virtual CPUs as a guest may have. */
    maxCpus: z.number().int().min(1),
  }),
  /** HYPERVISOR_FAILED, with every path tried in the message. */
  z.object({ loaded: z.literal(false), error: wireErrorSchema }),
])
export type KrunProbe = z.infer<typeof krunProbeSchema>

/** The one rule both sides go by: disks where the guest can get at them before our init runs. */
export function krunRootKind(features: KrunFeatures): RunnerRoot['kind'] {
  return features.disks && (features.ownKernel || features.remountRoot) ? 'disk' : 'directory'
}
