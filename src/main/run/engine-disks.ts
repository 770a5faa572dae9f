// SPDX-License-Identifier: Apache-2.0
// The disk images as the engine offers them: those that machines need stay.
import { MicrovmError } from '../../contract/errors'
import { isDiskUrl } from '../../contract/vm-spec'
import type { DiskImages } from '../image/disk/disk-images'
import { parseDiskSource } from '../image/disk/disk-source'
import type { VmFiles } from '../state/vm-files'
import { disksInUse, recordsIn } from './engine-images'

export interface EngineDisksDeps {
  readonly disks: DiskImages
  readonly files: VmFiles
  readonly runnerConfigOf: (id: string) => string
}

export function createEngineDisks(deps: EngineDisksDeps): DiskImages {
  const { disks } = deps
  return {
    ...disks,
    remove: async (name) => {
      const needed = await usersBySource(deps)
      const users = (await disks.find(name)).flatMap(({ source }) => needed.get(source) ?? [])
      if (users.length > 0) {
        const names = [...new Set(users)].join(', ')
        throw new MicrovmError('CONFLICT', `${name} is a disk of ${names}`, {
          hint: `Delete the machine first: microvm rm ${users[0]}`,
        })
      }
      await disks.remove(name)
    },
    prune: async (options) => {
      const [needed, inUse] = await Promise.all([usersBySource(deps), disksInUse(deps)])
      const keep = new Set([...(options.keep ?? []), ...needed.keys()])
      return disks.prune({ ...options, keep, inUse: new Set([...(options.inUse ?? []), ...inUse]) })
    },
  }
}

/** Names of machines by the address of each disk that they have been given. */
async function usersBySource({ files }: EngineDisksDeps): Promise<Map<string, string[]>> {
  const users = new Map<string, string[]>()
  for await (const { spec } of recordsIn(files)) {
    const { name, disks } = spec
    for (const { source } of disks.filter((disk) => isDiskUrl(disk.source))) {
      const { name: url } = parseDiskSource(source)
      users.set(url, [...(users.get(url) ?? []), name])
    }
  }
  return users
}
