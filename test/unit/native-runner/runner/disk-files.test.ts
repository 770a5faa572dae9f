// SPDX-License-Identifier: Apache-2.0
import { closeSync, existsSync } from 'node:fs'
import { mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openDisks, type OpenDisk } from '../../../../native-runner/runner/disk-files'

let dir: string
let opened: OpenDisk[]
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'microvm-disk-lock-'))
  for (const name of ['a', 'b']) await writeFile(join(dir, name), Buffer.alloc(1024))
  opened = []
})
afterEach(async () => {
  for (const { descriptor } of opened) closeSync(descriptor)
  await rm(dir, { recursive: true, force: true })
})

/** As a machine's runner does; kept open until the test ends. */
async function machine(...disks: [name: string, access: 'ro' | 'rw'][]): Promise<OpenDisk[]> {
  const found = await openDisks(
    disks.map(([name, access]) => ({
      path: join(dir, name),
      readOnly: access === 'ro',
      sizeBytes: 1024,
      device: 'vdd',
    })),
  )
  opened.push(...found)
  return found
}
const openFiles = async (): Promise<number> => (await readdir('/proc/self/fd')).length

describe('a disk’s file', () => {
  it('can be read by any number of machines', async () => {
    await machine(['a', 'ro'])
    const [disk] = await machine(['a', 'ro'], ['b', 'rw'])
    expect(disk?.descriptor).toBeGreaterThan(2)
  })

  it.each([
    ['rw', 'rw'],
    ['rw', 'ro'],
    ['ro', 'rw'],
  ] as const)('is one machine’s if it is written: %s, then %s', async (first, second) => {
    const [held] = await machine(['a', first])
    const before = await openFiles()
    await expect(machine(['b', 'ro'], ['a', second])).rejects.toMatchObject({
      code: 'CONFLICT',
      message: `the disk ${join(dir, 'a')} is in use by another machine`,
    })
    expect(await openFiles()).toBe(before)
    opened = []
    closeSync(held!.descriptor)
    await machine(['a', second])
  })

  it('must be what was checked', async () => {
    await truncate(join(dir, 'a'), 512)
    await expect(machine(['a', 'ro'])).rejects.toThrow('has just become another file')
    await expect(machine(['none', 'rw'])).rejects.toThrow(`open the disk ${join(dir, 'none')}`)
    expect(existsSync(join(dir, 'none'))).toBe(false)
  })
})
