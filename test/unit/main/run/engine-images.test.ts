// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it, vi } from 'vitest'
import type { ImageStore } from '../../../../src/main/image/image-store'
import { silentLogger } from '../../../../src/main/lib/logger'
import type { Parts } from '../../../../src/main/lib/parts'
import { createEngineImages } from '../../../../src/main/run/engine-images'
import { initialState, type VmFiles } from '../../../../src/main/state/vm-files'

const folder = mkdtempSync(join(tmpdir(), 'engine-images-'))
afterAll(() => rmSync(folder, { recursive: true }))

it('prunes disks of other guest bundles, but none that a machine may be running from', async () => {
  const statuses = { aa: 'running', bb: 'stopped', cc: 'starting' } as const
  const diskOf = (id: string): string => id.repeat(32)
  for (const id of Object.keys(statuses))
    writeFileSync(
      join(folder, `${id}.json`),
      JSON.stringify({
        root: { kind: 'disk', image: `/data/images/disks/${diskOf(id)}/disk.vmdk` },
      }),
    )
  const guestDir = join(folder, 'guest')
  const sha256 = '7'.repeat(64)
  const file = { path: '.microvm/init', sha256, size: 1, package: 'p', packageVersion: '1' }
  mkdirSync(guestDir)
  writeFileSync(
    join(guestDir, 'manifest.json'),
    JSON.stringify({ version: 1, tar: { sha256, size: 1 }, files: [file] }),
  )
  const prune = vi.fn<ImageStore['prune']>()
  const files: Pick<VmFiles, 'ids' | 'loadRecord' | 'loadState'> = {
    ids: async () => Object.keys(statuses),
    loadRecord: async () => ({ kind: 'missing' }),
    loadState: async (id) => ({
      kind: 'found',
      value: { ...initialState, status: statuses[id as keyof typeof statuses] },
    }),
  }
  const images = createEngineImages({
    images: { prune } as unknown as ImageStore,
    files: files as VmFiles,
    disksDir: join(folder, 'disks'),
    runnerConfigOf: (id) => join(folder, `${id}.json`),
    parts: async () => ({ guest: { found: true, path: guestDir, from: 'setting' } }) as Parts,
    logger: silentLogger,
  })
  await images.prune({ all: true })
  expect(prune).toHaveBeenCalledExactlyOnceWith({
    all: true,
    keep: new Set(),
    bundle: `sha256:${sha256}`,
    disksInUse: new Set([diskOf('aa'), diskOf('cc')]),
  })
})
