// SPDX-License-Identifier: Apache-2.0
// Disks beside a machine's own in a real guest, under QEMU: file systems made here by mke2fs, read back by debugfs
// and e2fsck.
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, mkdir, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { DiskImageView } from '../../src/contract/images'
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

/** Serves each disk compressed, until it is closed. */
async function publish(...names: string[]): Promise<{ server: Server; urls: string[] }> {
  const files = await Promise.all(names.map(async (name) => gzipSync(await readFile(at(name)))))
  const server = createServer(({ url = '' }, response) => {
    const file = files[Number(/^\/(\d)\.img\.gz$/.exec(url)?.[1])]
    response.writeHead(file === undefined ? 404 : 200).end(file)
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const urls = files.map((file, index) => {
    const sha256 = createHash('sha256').update(file).digest('hex')
    return `http://127.0.0.1:${port}/${index}.img.gz#sha256=${sha256}`
  })
  return { server, urls }
}

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
  const readOnly = (): string[] => ['read "only".img', 'parts.img', 'garbage.img'].map(at)

  beforeAll(async () => {
    await makeDisk('read "only".img', 4)
    await partition(await makeDisk('part.img', 5), 'parts.img')
    await writeFile(at('garbage.img'), Buffer.alloc(3 * SECTOR, 'no file system '))
    const made = ['one.img', 'two.img', 'bare.img', 'copied.img', 'last.img']
    for (const [index, disk] of made.entries()) await makeDisk(disk, 4 + index)
    await mkdir(at('folder'))
    digests = await Promise.all(readOnly().map(digest))
    const [first, parts, garbage] = readOnly()
    const { server, urls } = await publish('copied.img', 'last.img')
    const disks = [
      `${first}:/mnt/first`,
      `${at('one.img')}:/mnt/one:rw`,
      `${parts}:/mnt/parts`,
      `${garbage}:/mnt/garbage`,
      `${at('two.img')}:/deep/er/two:rw`,
      `${at('bare.img')}:rw`,
      `${urls[1]}:/mnt/last:ro`,
      `${urls[0]}:/mnt/copied:rw`,
    ]
    const options = disks.flatMap((disk) => ['--add-disk', disk])
    const folder = ['--mount', `${at('folder')}:/folder`]
    await cli.ok(['run', '-d', '--name', name, ...options, ...folder, 'starter'])
    // From now on the machine has to do with what it has.
    server.closeAllConnections()
    server.close()
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
      [4 * MIB, 4 * MIB, 6 * MIB, 3 * SECTOR, 5 * MIB, 6 * MIB, 8 * MIB, 7 * MIB]
        .map((size) => `${size}\n`)
        .join(''),
    )
    const [machine] = await cli.json<VmView[]>(['ls'])
    expect(machine?.state.diskBytes?.slice(2, 4)).toEqual([6 * MIB, 3 * SECTOR])
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
    const script = ['/mnt/one', '/deep/er/two', '/mnt/copied'].map(
      (dir) => `echo ${dir} > ${dir}/new`,
    )
    await guest(name, [...script, 'dd if=/dev/urandom of=/mnt/one/big bs=1M count=1'].join('; '))
    await cli.ok(['stop', name])
    expect(await fileOn(at('one.img'), '/new')).toBe('/mnt/one\n')
    expect(await fileOn(at('two.img'), '/new')).toBe('/deep/er/two\n')
    expect((await fileOn(at('bare.img'), '/hello')).trim()).toBe('hello from bare.img')
    for (const disk of ['one.img', 'two.img', 'bare.img']) await isClean(at(disk))
    expect(await Promise.all(readOnly().map(digest))).toEqual(digests)
  })

  it('keeps what it wrote to its copy of a download, which itself stays as it was', async () => {
    await cli.ok(['start', name])
    expect(await guest(name, 'cat /mnt/copied/new /mnt/copied/hello')).toBe(
      '/mnt/copied\nhello from copied.img\n',
    )
    const listed = await cli.ok(['disk', 'ls', '--json'])
    const downloads = JSON.parse(listed) as DiskImageView[]
    expect(downloads.map(({ digest: known }) => known).toSorted()).toEqual(
      (await Promise.all(['copied.img', 'last.img'].map((disk) => digest(at(disk)))))
        .map((hex) => `sha256:${hex}`)
        .toSorted(),
    )
    for (const download of downloads)
      expect(`sha256:${await digest(download.path)}`).toBe(download.digest)
  })

  it('is the only one with a file that it writes, until its runner has ended', async () => {
    await writeFile(at('own.img'), Buffer.alloc(MIB))
    const disks = ['--add-disk', `${at('one.img')}:/data`, '--add-disk', `${at('own.img')}:rw`]
    await cli.ok(['create', '--name', 'reader', ...disks, 'starter'])
    const refused = await cli.run(['start', 'reader'])
    expect(refused.code).not.toBe(0)
    expect(refused.stderr).toContain(`${at('one.img')} is in use by another machine`)
    const machines = await cli.json<VmView[]>(['ls'])
    const { state } = machines.find(({ spec }) => spec.name === name)!
    await guest(name, 'echo again > /mnt/one/new; sync')
    process.kill(state.runner!.pid, 'SIGKILL')
    await cli.ok(['stop', name])
    await cli.ok(['start', 'reader'])
    // Its journal is as the machine's end has left it, and stays so.
    expect(await guest('reader', 'cat /data/hello')).toBe('hello from one.img\n')
  })

  it('discards what it does not need on its only writable disk', async () => {
    await writeFile(at('own.img'), Buffer.alloc(MIB, 'x'))
    expect(await guest('reader', 'readlink /dev/disk1; blkdiscard /dev/disk1 && sync')).toBe(
      'vdd\n',
    )
    expect((await stat(at('own.img'))).blocks).toBe(0)
  })

  it('is deleted with its copies, not with the files it was given', async () => {
    const copies = async (): Promise<string[]> =>
      (await readdir(join(cli.dataDir, 'vms'), { recursive: true })).filter((path) =>
        /disks\/\d\.img$/.test(path),
      )
    expect(await copies()).toHaveLength(1)
    await cli.ok(['rm', '--force', name, 'reader'])
    expect(await copies()).toEqual([])
    expect((await stat(at('one.img'))).size).toBe(4 * MIB)
  })
})

it('a disk of another format is refused by name', async () => {
  const file = await open(at('image.qcow2'), 'w')
  await file.write('QFI\xfb', 0, 'latin1')
  await file.truncate(MIB)
  await file.close()
  const { code, stderr } = await cli.run(['run', '--add-disk', at('image.qcow2'), 'starter'])
  expect(code).not.toBe(0)
  expect(stderr).toContain('it is a qcow2 image, not a raw disk')
  expect(stderr).toContain('qemu-img convert')
})
