// SPDX-License-Identifier: Apache-2.0
// The template of machines' disks, judged by e2fsprogs; and both kinds of disk on a full host.
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, readdir, rm, stat, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { silentLogger } from '../../src/main/lib/logger'
import { ensureImageDisk } from '../../src/main/rootfs/image-disk'
import { cloneFile, createVmDisk } from '../../src/main/rootfs/vm-disk'
import { newNode } from '../support/random-tree'

const script = resolve(import.meta.dirname, '../../scripts/rootfs/make-vm-disk-template.mjs')
const env = { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin` }
const run = (file: string, args: string[]) => promisify(execFile)(file, args, { env })
const MIB = 1024 * 1024

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'machine-disk-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

describe('the template', () => {
  it('is the same bytes every time, sparse, and whole', async () => {
    const [one, two] = [join(folder, 'one'), join(folder, 'two')]
    await run(process.execPath, [script, '--out', one])
    await run(process.execPath, [script, '--out', two])
    expect((await readFile(one)).equals(await readFile(two))).toBe(true)
    const { size, blocks } = await stat(one)
    expect(size).toBe(64 * MIB)
    expect(blocks * 512).toBeLessThan(MIB)
    await run('e2fsck', ['-f', '-n', one])
    expect((await readdir(folder)).sort()).toEqual(['one', 'two'])
  })

  it.each([128, 10 * 1024, 2048 * 1024])('makes a disk that grows to %i MiB', async (sizeMib) => {
    const [template, disk] = [join(folder, 'template'), join(folder, 'disk')]
    await run(process.execPath, [script, '--out', template])
    await createVmDisk(template, disk, sizeMib)
    await run('resize2fs', [disk])
    await run('e2fsck', ['-f', '-n', disk])
    const { stdout } = await run('dumpe2fs', ['-h', disk])
    expect(stdout).toMatch(new RegExp(`^Block count: +${sizeMib * 256}$`, 'm'))
    expect((await stat(disk)).blocks * 512).toBeLessThan(64 * MIB)
  })

  it('names the file it could not make, and leaves nothing', async () => {
    const out = join(folder, 'missing', 'out')
    const failed = run(process.execPath, [script, '--out', out])
    await expect(failed).rejects.toThrow(`no such file or directory, open '${out}`)
    expect(await readdir(folder)).toEqual([])
  })
})

describe.skipIf(process.getuid?.() !== 0)('on a full disk', () => {
  let small: string
  beforeEach(async () => {
    small = await mkdtemp(join(tmpdir(), 'small-'))
    await run('mount', ['-t', 'tmpfs', '-o', 'size=512k', 'tmpfs', small])
  })
  afterEach(async () => {
    await run('umount', [small])
    await rm(small, { recursive: true })
  })

  it('an image disk fails with DISK_FULL and leaves nothing', async () => {
    const files = Array.from({ length: 20_000 }, (_, i) => [`f${i}`, newNode('file')] as const)
    const tree = { root: newNode('directory', { children: new Map(files) }), layers: [] }
    const building = ensureImageDisk(
      { disksDir: small, logger: silentLogger },
      async () => tree,
      'key',
    )
    await expect(building).rejects.toMatchObject({ code: 'DISK_FULL' })
    expect(await readdir(small)).toEqual(['.lock'])
  })

  it('a machine disk or a clone fails with DISK_FULL and leaves nothing', async () => {
    const source = join(folder, 'source')
    await run('dd', ['if=/dev/urandom', `of=${source}`, 'bs=1M', 'count=2'])
    await truncate(source, 64 * MIB)
    const target = join(small, 'disk')
    await expect(createVmDisk(source, target, 64)).rejects.toMatchObject({ code: 'DISK_FULL' })
    await expect(cloneFile(source, target)).rejects.toMatchObject({ code: 'DISK_FULL' })
    expect(await readdir(small)).toEqual([])
  })
})
