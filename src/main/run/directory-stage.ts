// SPDX-License-Identifier: Apache-2.0
// Stage `disk`, where the backend has no block devices: the machine's root directory, with the guest
// bundle and the config of this start in it.
import { createHash } from 'node:crypto'
import type { RunnerRoot } from '../../contract/runner-config'
import { emptyTree } from '../image/tree/fs-tree'
import { ensureRootDirectory, renewBundle } from '../rootfs/directory/root-directory'
import { takeInBundle } from './disk-stage'
import type { RootDeps, RootRequest } from './root-stage'

export async function prepareDirectory(
  { paths, images, logger, guestDir, vm }: RootDeps,
  { image, entries, signal }: RootRequest,
): Promise<RunnerRoot> {
  const cache = { imagesDir: paths.images.directories, logger }
  const diffIds = image.layers.map(({ diffId }) => diffId)
  const key = createHash('sha256').update(JSON.stringify(diffIds)).digest('hex')
  const makeTree = () => images.tree(image, signal)
  const bundle = await takeInBundle(images, guestDir, signal)
  await ensureRootDirectory(cache, vm.rootDir, key, makeTree, signal)
  await renewBundle(vm.rootDir, await images.graft(emptyTree(), bundle), entries, signal)
  return { kind: 'directory', path: vm.rootDir }
}
