// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { prepareVmDisk } from '../../../../src/main/run/disk-stage'

const MIB = 1024 * 1024
let dir: string
let disk: string

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'microvm-disk-'))
  disk = join(dir, 'disk.ext4')
  await writeFile(join(dir, 'vm-disk.ext4'), Buffer.alloc(MIB, 'template'))
})
afterEach(() => rm(dir, { recursive: true }))

describe('a machine’s own disk', () => {
  it('is made from the template at the first start, and kept afterwards', async () => {
    await prepareVmDisk(dir, disk, 8)
    expect((await stat(disk)).size).toBe(8 * MIB)
    await writeFile(disk, 'written by the guest', { flag: 'r+' })
    await prepareVmDisk(dir, disk, 8)
    expect((await readFile(disk, 'latin1')).startsWith('written by the guest')).toBe(true)
  })

  it('grows when more is asked for, and never shrinks', async () => {
    await prepareVmDisk(dir, disk, 8)
    await prepareVmDisk(dir, disk, 16)
    expect((await stat(disk)).size).toBe(16 * MIB)
    await prepareVmDisk(dir, disk, 8)
    expect((await stat(disk)).size).toBe(16 * MIB)
  })
})
