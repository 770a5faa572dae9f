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

it('does not remove an image under its last name while machines need it, and names them', async () => {
  const digest = `sha256:${'a'.repeat(64)}`
  const machines = {
    one: { spec: { name: 'web', image: 'debian' }, image: { digest } },
    two: { spec: { name: 'db', image: 'debian' } },
    three: { spec: { name: 'other', image: 'alpine' } },
  }
  const names = ['debian', 'mine:1']
  const remove = vi.fn()
  const images = createEngineImages({
    images: {
      find: async (name: string) =>
        names.includes(name) ? { view: { digest, reference: name }, layers: [] } : undefined,
      list: async () => names.map((reference) => ({ reference, digest })),
      remove,
    } as unknown as ImageStore,
    files: {
      ids: async () => Object.keys(machines),
      loadRecord: async (id: keyof typeof machines) => ({ kind: 'found', value: machines[id] }),
    } as unknown as VmFiles,
    disksDir: join(folder, 'disks'),
    disks: { prune: async () => ({ disks: [], bytes: 0 }) },
    runnerConfigOf: (id) => id,
    parts: async () => ({}) as Parts,
    logger: silentLogger,
  })
  await images.remove('mine:1')
  expect(remove).toHaveBeenCalledExactlyOnceWith('mine:1')
  names.pop()
  await expect(images.remove('debian')).rejects.toMatchObject({
    code: 'CONFLICT',
    message: '2 machines need debian: web, db',
    hint: 'Delete them first: microvm rm web db',
  })
  expect(remove).toHaveBeenCalledOnce()
})

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
  const prune = vi.fn<ImageStore['prune']>(async () => ({ images: ['one'], layers: 2, bytes: 100 }))
  const disks = { prune: async () => ({ disks: ['https://images.example/a.raw'], bytes: 20 }) }
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
    disks,
    disksDir: join(folder, 'disks'),
    runnerConfigOf: (id) => join(folder, `${id}.json`),
    parts: async () => ({ guest: { found: true, path: guestDir, from: 'setting' } }) as Parts,
    logger: silentLogger,
  })
  expect(await images.prune({ all: true })).toEqual({
    images: ['one'],
    layers: 2,
    disks: ['https://images.example/a.raw'],
    bytes: 120,
  })
  expect(prune).toHaveBeenCalledExactlyOnceWith({
    all: true,
    keep: new Set(),
    bundle: `sha256:${sha256}`,
    disksInUse: new Set([diskOf('aa'), diskOf('cc')]),
  })
})
