// SPDX-License-Identifier: Apache-2.0
// The image store in a process of its own, for tests that kill it: one piece of work, given as JSON in
// the first argument. Bundled by store-process-bundle.ts.
import { createReadStream } from 'node:fs'
import { createImageStore, type ImageStore } from '../../src/main/image/image-store'
import { dataPaths } from '../../src/main/lib/data-paths'
import { silentLogger } from '../../src/main/lib/logger'
import { ensureImageDisk } from '../../src/main/rootfs/image-disk'
import { NOW, type StoreJob, type Work } from './store-job'

async function run(store: ImageStore, disksDir: string, work: Work): Promise<void> {
  if (work.kind === 'pull') await store.pull(work.reference, {})
  else if (work.kind === 'remove') await store.remove(work.reference)
  else if (work.kind === 'tag') await store.tag(work.reference, work.name)
  else if (work.kind === 'prune') await store.prune({ all: true })
  else if (work.kind === 'disk') {
    const image = (await store.find(work.reference))!
    const deps = { disksDir, logger: silentLogger }
    await ensureImageDisk(deps, () => store.tree(image), work.key)
  } else if (work.kind === 'import')
    await store.importPath(work.path, { reference: work.reference })
  else await store.importStream(createReadStream(work.path), { reference: work.reference })
}

const { dataDir, work } = JSON.parse(process.argv[2]!) as StoreJob
const paths = dataPaths(dataDir).images
const store = createImageStore({
  paths,
  starterLayout: undefined,
  logger: silentLogger,
  arch: 'x64',
  now: () => NOW,
})
await run(store, paths.disks, work)
