// SPDX-License-Identifier: Apache-2.0
import { chmod, mkdtemp, open, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { MicrovmError } from '../../../../src/contract/errors'
import { cloneFile, createVmDisk, growVmDisk } from '../../../../src/main/rootfs/vm-disk'

const MIB = 1024 * 1024
let folder: string
let template: string
let target: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vm-disk-'))
  template = join(folder, 'template')
  target = join(folder, 'disk')
  // Data at the start, across a chunk's end, in a lone block, and in the last bytes; holes between.
  const file = await open(template, 'w')
  await file.truncate(10 * MIB)
  for (const position of [0, 4 * MIB - 10, 5 * MIB + 4096, 10 * MIB - 20])
    await file.write(`data at ${position}`, position)
  await file.close()
  await chmod(template, 0o644)
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const allocated = async (path: string): Promise<number> => (await stat(path)).blocks * 512

describe("a machine's disk", () => {
  it('is the template, stretched, without taking the space', async () => {
    await createVmDisk(template, target, 4096)
    const { size, mode } = await stat(target)
    expect(size).toBe(4096 * MIB)
    expect(mode & 0o777).toBe(0o600)
    expect(await allocated(target)).toBeLessThan(MIB)
    const file = await open(target, 'r')
    const { buffer } = await file.read(Buffer.alloc(11 * MIB), 0, 11 * MIB, 0)
    await file.close()
    expect(buffer.subarray(0, 10 * MIB).equals(await readFile(template))).toBe(true)
    expect(buffer.subarray(10 * MIB).every((byte) => byte === 0)).toBe(true)
  })

  it('may have just the size of the template, and no less', async () => {
    await createVmDisk(template, target, 10)
    expect((await readFile(target)).equals(await readFile(template))).toBe(true)
    const smaller = createVmDisk(template, join(folder, 'smaller'), 9)
    await expect(smaller).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    expect((await readdir(folder)).sort()).toEqual(['disk', 'template'])
  })

  it('replaces an old one whole', async () => {
    await writeFile(target, 'x'.repeat(20 * MIB))
    await createVmDisk(template, target, 12)
    expect((await stat(target)).size).toBe(12 * MIB)
    expect(await allocated(target)).toBeLessThan(MIB)
  })

  it('grows and keeps what is in it', async () => {
    await createVmDisk(template, target, 10)
    await growVmDisk(target, 100)
    await growVmDisk(target, 100)
    expect((await stat(target)).size).toBe(100 * MIB)
    expect((await readFile(target)).subarray(0, 10 * MIB).equals(await readFile(template))).toBe(
      true,
    )
  })

  it('never shrinks', async () => {
    await createVmDisk(template, target, 20)
    await expect(growVmDisk(target, 19)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      hint: expect.stringContaining('only grow') as string,
    })
    await expect(growVmDisk(target, Number.NaN)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    expect((await stat(target)).size).toBe(20 * MIB)
  })
})

describe.each([
  ['', process.env['PATH']],
  [' where there is no cp', '/nonexistent'],
])('a clone%s', (_where, path) => {
  beforeEach(() => void vi.stubEnv('PATH', path))
  afterEach(() => void vi.unstubAllEnvs())

  it('has the same bytes, size, mode and holes', async () => {
    await chmod(template, 0o640)
    expect(await cloneFile(template, target)).toMatch(/^(reflink|sparse-copy)$/)
    expect((await readFile(target)).equals(await readFile(template))).toBe(true)
    expect((await stat(target)).mode & 0o777).toBe(0o640)
    expect(await allocated(target)).toBeLessThan(MIB)
  })

  it.each([0, 1, 4095, 4096, 4097, 4 * MIB, 4 * MIB + 1])('may have %i bytes', async (size) => {
    const bytes = Buffer.alloc(size)
    for (let at = 8192; at < size; at += 16_384) bytes.fill(1, at, at + 8192)
    await writeFile(template, bytes)
    await cloneFile(template, target)
    expect((await readFile(target)).equals(bytes)).toBe(true)
  })

  it('leaves no trace when it is cancelled or its source is missing', async () => {
    const signal = AbortSignal.abort()
    // A reflink is done before anyone could cancel it.
    const outcome = await cloneFile(template, target, { signal }).catch(
      (error: unknown) => (error as MicrovmError).code,
    )
    expect(['reflink', 'CANCELLED']).toContain(outcome)
    await rm(target, { force: true })
    await expect(cloneFile(join(folder, 'missing'), target)).rejects.toThrow(/ENOENT/)
    expect(await readdir(folder)).toEqual(['template'])
  })
})
