// SPDX-License-Identifier: Apache-2.0
// What this guest is to be at this start, as the files of its config drive. Made anew each time, so
// that a damaged or changed one never boots.
import { topology } from '../../../native-runner/net/topology'
import type { ImageConfig } from '../../contract/images'
import type { RunnerDisk } from '../../contract/runner-config'
import type { VmSpec } from '../../contract/vm-spec'
import { configDriveEntries } from '../guest/config-drive'
import type { InlineEntry } from '../rootfs/erofs/inline-image'
import type { VmKeys } from '../ssh/keys'
import { guestDisks } from './disks'
import { guestSettings } from './guest-settings'
import type { LaunchOptions } from './launch-options'
import { guestShares } from './shares'

/** SPEC "guest". */
const TMP_MIB = 256

export function configEntries(
  wanted: {
    readonly spec: VmSpec
    readonly image: ImageConfig
    readonly keys: VmKeys
    readonly stopGraceMs: number
    readonly disks: readonly RunnerDisk[]
  },
  { authorizedKeys = [], files = [] }: LaunchOptions,
): InlineEntry[] {
  const { spec, keys } = wanted
  return configDriveEntries({
    ...guestSettings(spec, wanted.image),
    hostname: spec.name,
    authorizedKeys: [keys.authorizedKey, ...authorizedKeys],
    hostKey: keys.hostKey,
    stopGraceMs: wanted.stopGraceMs,
    tmpMib: TMP_MIB,
    network: {
      address: topology.guest,
      prefix: topology.prefix,
      gateway: topology.gateway,
      dns: topology.gateway,
      mtu: topology.mtu,
    },
    shares: guestShares(spec.mounts),
    disks: guestDisks(spec.disks, wanted.disks),
    files,
  })
}
