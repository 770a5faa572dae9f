// SPDX-License-Identifier: Apache-2.0
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { vmSpecSchema } from '../../../../src/contract/vm-spec'
import { dataPaths, type DataPaths } from '../../../../src/main/lib/data-paths'
import { createVmFiles, initialState, type VmFiles } from '../../../../src/main/state/vm-files'
import type { VmRecord } from '../../../../src/main/state/vm-record'

let root: string
let paths: DataPaths
let files: VmFiles

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'microvm-state-'))
  paths = dataPaths(root)
  files = createVmFiles(paths)
})
afterEach(() => rm(root, { recursive: true }))

const record = (id: string, name: string): VmRecord => ({
  version: 1,
  id,
  createdAt: 1,
  spec: vmSpecSchema.parse({ name, image: 'starter' }),
})
const one = '000000000001'
const two = '000000000002'
const admitAll = (): void => undefined

describe('the machines’ files', () => {
  it('give back what was written, private to the user', async () => {
    await files.create(record(one, 'first'), admitAll)
    await files.updateState(one, (state) => ({ ...state, status: 'starting' }))
    expect(await files.ids()).toEqual([one])
    expect(await files.loadRecord(one)).toEqual({ kind: 'found', value: record(one, 'first') })
    const state = { ...initialState, status: 'starting' }
    expect(await files.loadState(one)).toEqual({ kind: 'found', value: state })
    expect((await stat(paths.vm(one).dir)).mode & 0o777).toBe(0o700)
    expect((await stat(paths.vm(one).spec)).mode & 0o777).toBe(0o600)
    expect((await stat(paths.vm(one).state)).mode & 0o777).toBe(0o600)
  })

  it('are simply missing before the first machine, and before its first start', async () => {
    expect(await files.ids()).toEqual([])
    expect(await files.loadRecord(one)).toEqual({ kind: 'missing' })
    await files.create(record(one, 'first'), admitAll)
    expect(await files.loadState(one)).toEqual({ kind: 'missing' })
  })

  it('show a creator every machine there is, and let it refuse', async () => {
    await files.create(record(one, 'first'), admitAll)
    const refused = files.create(record(two, 'first'), (existing) => {
      throw new Error(existing.map(({ spec }) => spec.name).join())
    })
    await expect(refused).rejects.toThrow('first')
    expect(await files.ids()).toEqual([one])
  })

  it('keep every change of ten concurrent writers', async () => {
    await files.create(record(one, 'first'), admitAll)
    const others = Array.from({ length: 10 }, () => createVmFiles(paths))
    await Promise.all(
      others.map((other, index) =>
        other.updateState(one, (state) => ({
          ...state,
          timeline: [...state.timeline, { name: `w${index}`, at: index }],
        })),
      ),
    )
    const loaded = await files.loadState(one)
    const names = loaded.kind === 'found' ? loaded.value.timeline.map(({ name }) => name) : []
    expect(names.toSorted()).toEqual(others.map((_, index) => `w${index}`))
    expect((await readdir(paths.vm(one).dir)).filter((name) => name.endsWith('.tmp'))).toEqual([])
  })

  it.each([
    ['half a file', '{"version": 1, "id'],
    ['another shape', '{"version": 1, "id": "nonsense"}'],
    ['no version', '[]'],
    ['nothing', ''],
  ])('set a record with %s aside, keep it, and go on saying so', async (_what, content) => {
    await files.create(record(one, 'first'), admitAll)
    await files.create(record(two, 'second'), admitAll)
    await writeFile(paths.vm(one).spec, content)
    const damaged = { kind: 'damaged', error: { code: 'STATE_CORRUPT' } }
    expect(await files.loadRecord(one)).toMatchObject(damaged)
    expect(await files.loadRecord(one)).toMatchObject(damaged)
    const names = await readdir(paths.vm(one).dir)
    const aside = names.find((name) => name.includes('.corrupt-'))
    expect(await readFile(join(paths.vm(one).dir, aside!), 'utf8')).toBe(content)
    expect(await files.loadRecord(two)).toMatchObject({ kind: 'found' })
    await expect(files.updateRecord(one, (same) => same)).rejects.toMatchObject(damaged.error)
  })

  it('start over from the initial state when the state was corrupt', async () => {
    await files.create(record(one, 'first'), admitAll)
    await writeFile(paths.vm(one).state, '\0\0\0')
    await files.updateState(one, (state) => {
      expect(state).toEqual(initialState)
      return { ...state, status: 'failed' }
    })
    expect(await files.loadState(one)).toMatchObject({ kind: 'found', value: { status: 'failed' } })
  })

  it('leave files of a newer version as they are', async () => {
    await files.create(record(one, 'first'), admitAll)
    const newer = JSON.stringify({ version: 2, unheard: 'of' })
    await writeFile(paths.vm(one).spec, newer)
    await writeFile(paths.vm(one).state, newer)
    const damaged = { kind: 'damaged', error: { code: 'STATE_VERSION' } }
    expect(await files.loadRecord(one)).toMatchObject(damaged)
    expect(await files.loadState(one)).toMatchObject(damaged)
    await expect(files.updateState(one, (same) => same)).rejects.toMatchObject(damaged.error)
    expect(await readFile(paths.vm(one).state, 'utf8')).toBe(newer)
  })

  it('report one that cannot be read, without touching it', async () => {
    await files.create(record(one, 'first'), admitAll)
    await mkdir(paths.vm(one).state)
    expect(await files.loadState(one)).toMatchObject({ kind: 'damaged' })
    expect((await stat(paths.vm(one).state)).isDirectory()).toBe(true)
  })

  it('do not bring back a machine that is gone', async () => {
    await files.create(record(one, 'first'), admitAll)
    await rm(paths.vm(one).dir, { recursive: true })
    const late = files.updateState(one, (state) => state)
    await expect(late).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect(await files.ids()).toEqual([])
  })
})
