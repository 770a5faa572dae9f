// SPDX-License-Identifier: Apache-2.0
// Disks beside a machine's own in a real guest, under QEMU: file systems made here by mke2fs, read back by debugfs
// and e2fsck.
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, mkdir, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { VmView } from '../../src/contract/ipc'
import { makeCli, type Cli } from '../support/cli'

const run = promisify(execFile)
const SECTOR = 512
const MIB = 1024 * 1024

let cli: Cli
let host: string
const at = (name: string): string => join(host, name)

/** An ext4 disk of so many MiB with a file `hello` on it. */
async function makeDisk(name: string, sizeMib: number): Promise<string> {
  const content = await mkdtemp(at('content-'))
  await writeFile(join(content, 'hello'), `hello from ${name}\n`)
  await writeFile(at(name), '')
  await run('truncate', ['-s', `${sizeMib}M`, at(name)])
  await run('mke2fs', ['-q', '-t', 'ext4', '-d', content, at(name)])
  return at(name)
}

/** A disk whose first partition, from its second MiB on, is another disk: an MBR (UEFI specification, 5.2.1). */
async function partition(disk: string, name: string): Promise<string> {
  const content = await readFile(disk)
  const table = Buffer.alloc(MIB)
  table.writeUInt8(0x83, 0x1be + 4)
  table.writeUInt32LE(MIB / SECTOR, 0x1be + 8)
  table.writeUInt32LE(content.length / SECTOR, 0x1be + 12)
  table.writeUInt16LE(0xaa55, 0x1fe)
  await writeFile(at(name), Buffer.concat([table, content]))
  return at(name)
}

const digest = async (path: string): Promise<string> =>
  createHash('sha256')
    .update(await readFile(path))
    .digest('hex')
/** A file on a disk that nobody has mounted; no file reads as ''. */
const fileOn = async (disk: string, path: string): Promise<string> =>
  (await run('debugfs', ['-R', `cat ${path}`, disk])).stdout
const isClean = async (disk: string): Promise<void> => void (await run('e2fsck', ['-fn', disk]))
const guest = async (name: string, script: string): Promise<string> =>
  (await cli.run(['exec', name, '--', 'sh', '-c', script])).stdout

beforeAll(async () => {
  cli = await makeCli()
  host = await mkdtemp(join(tmpdir(), 'microvm-disks-'))
})
afterAll(async () => {
  await cli.dispose()
  await rm(host, { recursive: true, force: true })
})

describe('a machine with eight extra disks and a folder', () => {
  const name = 'disks'
  let digests: string[]
  const readOnly = (): string[] =>
    ['read "only".img', 'parts.img', 'garbage.img', 'last.img'].map(at)

  beforeAll(async () => {
    await makeDisk('read "only".img', 4)
    await partition(await makeDisk('part.img', 5), 'parts.img')
    await writeFile(at('garbage.img'), Buffer.alloc(3 * SECTOR, 'no file system '))
    await makeDisk('last.img', 6)
    for (const [index, disk] of ['one.img', 'two.img', 'three.img', 'bare.img'].entries())
      await makeDisk(disk, 4 + index)
    await mkdir(at('folder'))
    digests = await Promise.all(readOnly().map(digest))
    const [first, parts, garbage, last] = readOnly()
    const disks = [
      `${first}:/mnt/first`,
      `${at('one.img')}:/mnt/one:rw`,
      `${parts}:/mnt/parts`,
      `${garbage}:/mnt/garbage`,
      `${at('two.img')}:/deep/er/two:rw`,
      `${at('bare.img')}:rw`,
      `${last}:/mnt/last:ro`,
      `${at('three.img')}:/mnt/three:rw`,
    ]
    const options = disks.flatMap((disk) => ['--add-disk', disk])
    const folder = ['--mount', `${at('folder')}:/folder`]
    await cli.ok(['run', '-d', '--name', name, ...options, ...folder, 'starter'])
  })

  it('finds their file systems where they are to be, also on a first partition', async () => {
    const script = 'cat /mnt/first/hello /mnt/parts/hello /mnt/last/hello /deep/er/two/hello'
    expect(await guest(name, script)).toBe(
      ['read "only".img', 'part.img', 'last.img', 'two.img']
        .map((disk) => `hello from ${disk}\n`)
        .join(''),
    )
  })

  it('has each as a device of the right size, mounted or not', async () => {
    const sizes = 'for n in 0 1 2 3 4 5 6 7; do blockdev --getsize64 /dev/disk$n; done'
    expect(await guest(name, sizes)).toBe(
      [4 * MIB, 4 * MIB, 6 * MIB, 3 * SECTOR, 5 * MIB, 7 * MIB, 6 * MIB, 6 * MIB]
        .map((size) => `${size}\n`)
        .join(''),
    )
    expect(await guest(name, 'head -c 15 /dev/disk3')).toBe('no file system ')
    expect(await guest(name, 'mount -t ext4 /dev/disk5 /tmp && cat /tmp/hello; umount /tmp')).toBe(
      'hello from bare.img\n',
    )
  })

  it('warns of one without a file system, and runs all the same', async () => {
    expect(await guest(name, 'ls /mnt/garbage')).toBe('')
    const [machine] = await cli.json<VmView[]>(['ls'])
    const log = await readFile(join(cli.dataDir, 'vms', machine!.id, 'runner.log'), 'utf8')
    expect(log).toContain('disk /dev/disk3 is not at /mnt/garbage: it has no file system')
  })

  it('cannot write a read-only one, neither its files nor the device', async () => {
    const attempts = [
      'echo x > /mnt/first/hello',
      'mount -o remount,rw /mnt/first',
      'blockdev --setrw /dev/disk0; dd if=/dev/zero of=/dev/disk0 bs=512 count=1 conv=fsync',
      'blockdev --setrw /dev/vdc; dd if=/dev/zero of=/dev/vdc bs=1M conv=fsync',
    ]
    expect(await guest(name, attempts.map((attempt) => `(${attempt}) && echo done`).join('\n'))).toBe('') // prettier-ignore
  })

  it('gives nobody the rights of a file’s owner', async () => {
    const flags = await guest(name, `awk '$2 ~ /mnt|deep/ { print $2, $4 }' /proc/mounts`)
    const lines = flags.trimEnd().split('\n')
    expect(lines).toHaveLength(6)
    for (const line of lines) expect(line).toMatch(/^\/\S+ r[ow],nosuid,nodev/)
  })

  it('writes the others in place: all is in the files once it has stopped', async () => {
    const script = ['/mnt/one', '/deep/er/two', '/mnt/three'].map(
      (dir) => `echo ${dir} > ${dir}/new`,
    )
    await guest(name, [...script, 'dd if=/dev/urandom of=/mnt/three/big bs=1M count=2'].join('; '))
    await cli.ok(['stop', name])
    expect(await fileOn(at('one.img'), '/new')).toBe('/mnt/one\n')
    expect(await fileOn(at('two.img'), '/new')).toBe('/deep/er/two\n')
    expect(await fileOn(at('three.img'), '/new')).toBe('/mnt/three\n')
    expect((await fileOn(at('bare.img'), '/hello')).trim()).toBe('hello from bare.img')
    for (const disk of ['one.img', 'two.img', 'three.img', 'bare.img']) await isClean(at(disk))
    expect(await Promise.all(readOnly().map(digest))).toEqual(digests)
  })
})

describe('one machine’s disk', () => {
  const create = (name: string, disk: string) =>
    cli.ok(['create', '--name', name, '--add-disk', disk, 'starter'])

  it('is no other machine’s while it is written, and anyone’s afterwards', async () => {
    const disk = await makeDisk('shared.img', 4)
    await create('writer', `${disk}:/data:rw`)
    await create('reader', `${disk}:/data`)
    await cli.ok(['start', 'writer'])
    expect(await guest('writer', 'ls -l /dev/disk0; echo kept > /data/new')).toContain('-> vdd')
    const refused = await cli.run(['start', 'reader'])
    expect(refused.code).not.toBe(0)
    expect(refused.stderr).toContain(`${disk} is in use by another machine`)
    // Its runner's death, too, gives the file back.
    const machines = await cli.json<VmView[]>(['ls'])
    const writer = machines.find(({ spec }) => spec.name === 'writer')!
    await guest('writer', 'sync')
    process.kill(writer.state.runner!.pid, 'SIGKILL')
    await cli.ok(['stop', 'writer'])
    await cli.ok(['start', 'reader'])
    // Its journal is as the machine's end has left it, and stays so.
    expect(await guest('reader', 'cat /data/hello')).toBe('hello from shared.img\n')
  })

  it('is refused, by name, if it is no raw disk', async () => {
    const file = await open(at('image.qcow2'), 'w')
    await file.write('QFI\xfb', 0, 'latin1')
    await file.truncate(MIB)
    await file.close()
    await create('qcow2', at('image.qcow2'))
    const { code, stderr } = await cli.run(['start', 'qcow2'])
    expect(code).not.toBe(0)
    expect(stderr).toContain('is a qcow2 image, no raw disk')
    expect(stderr).toContain('qemu-img convert')
  })

  it('stays when its machine is deleted', async () => {
    const before = (await stat(at('shared.img'))).ino
    await cli.ok(['rm', '--force', 'writer', 'reader', 'qcow2'])
    expect((await stat(at('shared.img'))).ino).toBe(before)
    const names = await readdir(join(cli.dataDir, 'vms'))
    expect(names.filter((entry) => /^[0-9a-f]{12}$/.test(entry))).toHaveLength(1)
  })
})
