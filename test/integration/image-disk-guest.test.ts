// SPDX-License-Identifier: Apache-2.0
// The image disk as the guest sees it: our kernel boots from it, and a static busybox in it prints
// what is there.
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { silentLogger } from '../../src/main/lib/logger'
import { ensureImageDisk } from '../../src/main/rootfs/image-disk'
import type { Listed } from '../support/erofs-judge'
import { LayerWriter, expectedListing, newNode, randomTree } from '../support/random-tree'

const run = promisify(execFile)
const runtime = resolve(import.meta.dirname, '../../runtime', `${process.platform}-${process.arch}`)
let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'image-disk-guest-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const init = `#!/busybox sh
/busybox mount -t proc proc /proc
cd /tree
echo BEGIN
/busybox find . -exec /busybox stat -c '%i|%f|%u|%g|%s|%Y|%h|%t:%T|%N' {} +
echo CONTENT
/busybox find . -type f -exec /busybox sha256sum {} +
echo END
/busybox reboot -f
`

const types: Record<number, Listed['type']> = {
  0o100000: 'file',
  0o040000: 'directory',
  0o020000: 'char',
  0o060000: 'block',
  0o010000: 'fifo',
  0o140000: 'socket',
  0o120000: 'symlink',
}

type Seen = Omit<Listed, 'xattrs' | 'sameAs' | 'content'>

/** One line of the guest's `stat`. */
function parse(line: string): [path: string, inode: string, seen: Seen] {
  const [inode, hexMode, uid, gid, size, mtime, links, device, quoted] = line.split('|')
  const [, path, target] = /^'?\.(.*?)'?(?: -> '(.*)')?$/.exec(quoted!)!
  const mode = Number.parseInt(hexMode!, 16)
  const type = types[mode & 0o170000]!
  const [major, minor] = device!.split(':').map((digits) => Number.parseInt(digits, 16))
  const seen = {
    type,
    mode: mode & 0o7777,
    uid: Number(uid),
    gid: Number(gid),
    mtime: mtime!,
    size: type === 'directory' ? 0 : Number(size),
    links: Number(links),
    target: target ?? '',
    device: type === 'char' || type === 'block' ? `${major}:${minor}` : '',
  }
  return [path!, inode!, seen]
}

/** Rounded down, as stat does, also before 1970. */
function wholeSeconds(nanoseconds: string): string {
  const value = BigInt(nanoseconds)
  const rest = ((value % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n
  return String((value - rest) / 1_000_000_000n)
}

/** What the guest prints until it ends. */
async function boot(descriptor: string): Promise<string> {
  // loglevel=1: a warning of the kernel, on a busy host, would land in the middle of a line.
  const append =
    'console=hvc0 root=/dev/vda rootfstype=erofs ro init=/init loglevel=1 panic=-1 reboot=t'
  const { stdout } = await run(
    'qemu-system-x86_64',
    [
      ...['-M', 'microvm,x-option-roms=off,rtc=on,acpi=off,isa-serial=off', '-cpu', 'max'],
      ...['-accel', 'tcg,thread=multi', '-m', '256', '-nodefaults', '-no-user-config'],
      ...['-display', 'none', '-no-reboot', '-chardev', 'stdio,id=c'],
      ...['-device', 'virtio-serial-device', '-device', 'virtconsole,chardev=c'],
      ...['-drive', `if=none,id=d,file=${descriptor},format=vmdk,readonly=on`],
      ...['-device', 'virtio-blk-device,drive=d'],
      ...['-kernel', join(runtime, 'kernel/vmlinux.elf'), '-append', append],
    ],
    { timeout: 100_000, maxBuffer: 64 * 1024 * 1024 },
  )
  return stdout.replaceAll('\r', '')
}

it('boots, and the guest sees every object as it is', async () => {
  await run('tar', ['-xf', join(runtime, 'guest/bundle.tar'), '-C', folder, '.microvm/bin/busybox'])
  const busybox = await readFile(join(folder, '.microvm/bin/busybox'))
  const tree = await randomTree(folder, 42, 1500, 'plain')
  const boots = new LayerWriter(folder, tree.layers.length)
  const root = newNode('directory', {
    children: new Map([
      ['tree', tree.root],
      ['busybox', boots.add(busybox, { mode: 0o755 })],
      ['init', boots.add(Buffer.from(init), { mode: 0o755 })],
      ['proc', newNode('directory')],
      [
        'dev',
        newNode('directory', {
          children: new Map([['console', newNode('char', { major: 5, minor: 1 })]]),
        }),
      ],
    ]),
  })
  const whole = { root, layers: [...tree.layers, await boots.finish()] }
  const deps = { disksDir: join(folder, 'disks'), logger: silentLogger }
  const { descriptorPath } = await ensureImageDisk(deps, async () => whole, 'disk')

  const output = await boot(descriptorPath)
  const [, lines, hashes] = /^BEGIN\n(.*)^CONTENT\n(.*)^END$/ms.exec(output) ?? []
  expect(hashes, output.slice(-2000)).toBeDefined()

  const expected = await expectedListing(tree)
  const seen = lines!.trim().split('\n').map(parse)
  expect(new Map(seen.map(([path, , listed]) => [path, listed]))).toEqual(
    new Map(
      [...expected].map(([path, { xattrs: _x, sameAs: _s, content: _c, ...listed }]) => [
        path,
        { ...listed, mtime: wholeSeconds(listed.mtime) },
      ]),
    ),
  )
  const pairs = new Set(seen.map(([path, inode]) => `${inode} ${expected.get(path)!.sameAs}`))
  expect(pairs.size).toBe(new Set(seen.map(([, inode]) => inode)).size)
  expect(pairs.size).toBe(new Set([...expected.values()].map(({ sameAs }) => sameAs)).size)

  const contents = [...expected].filter(([, { type }]) => type === 'file')
  expect(new Set(hashes!.trim().split('\n'))).toEqual(
    new Set(contents.map(([path, { content }]) => `${content}  .${path}`)),
  )
})
