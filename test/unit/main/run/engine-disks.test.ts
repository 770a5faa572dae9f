// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { createDiskImages } from '../../../../src/main/image/disk/disk-images'
import { runDiskJob } from '../../../../src/main/image/disk/fetch-disk'
import { networkSettings } from '../../../../src/main/image/registry/registry-network'
import { silentLogger } from '../../../../src/main/lib/logger'
import { createEngineDisks } from '../../../../src/main/run/engine-disks'
import { initialState, type VmFiles } from '../../../../src/main/state/vm-files'
import { noise } from '../image/support/pack'
import { serve } from '../image/support/registry-fixture'

const root = mkdtempSync(join(tmpdir(), 'engine-disks-'))
afterAll(() => rmSync(root, { recursive: true }))

it('keeps the disk images that machines need, and raw disks that they run from', async () => {
  const server = await serve((request, response) => void response.end(noise(4096, request.url)))
  const [used, free, replaced] = ['used', 'free', 'replaced'].map(
    (name) => `${server.origin}/${name}`,
  )
  const store = createDiskImages({
    folder: join(root, 'disk-images'),
    network: networkSettings({}),
    logger: silentLogger,
    run: runDiskJob,
  })
  for (const url of [used!, free!]) await store.ensure(url, {})
  const { path } = await store.ensure(replaced!, {})
  await store.remove(replaced!)
  writeFileSync(path, 'a machine has it open')
  const machine = { name: 'web', disks: [{ source: `${used!}#x` }, { source: '/data/own.img' }] }
  writeFileSync(join(root, 'aa.json'), JSON.stringify({ disks: [{ path }] }))
  const files = {
    ids: async () => ['aa'],
    loadRecord: async () => ({ kind: 'found', value: { spec: machine } }),
    loadState: async () => ({ kind: 'found', value: { ...initialState, status: 'running' } }),
  } as unknown as VmFiles
  const disks = createEngineDisks({
    disks: store,
    files,
    runnerConfigOf: (id) => join(root, `${id}.json`),
  })
  const [image] = await disks.find(used!)
  for (const name of [used!, image!.digest])
    await expect(disks.remove(name)).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining('web') as string,
    })
  expect(await disks.prune({ all: true })).toMatchObject({ disks: [free] })
  expect(await disks.list()).toMatchObject([{ source: used }])
  expect(existsSync(path)).toBe(true)
  machine.disks.length = 0
  await disks.remove(used!)
  expect(await disks.list()).toEqual([])
})
