// SPDX-License-Identifier: Apache-2.0
// Init on a root that is a directory of the host, as under a libkrun without disks. That cannot run everywhere:
// here QEMU and virtiofsd give the guest the same root, and a script stands in for libkrun's own init.
import { spawn, type ChildProcess } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { guestCommands, guestEventSchema, type GuestEvent } from '../../src/contract/guest-protocol'
import { configDriveEntries } from '../../src/main/guest/config-drive'
import { emptyTree, type FsTree } from '../../src/main/image/tree/fs-tree'
import { createImageStore } from '../../src/main/image/image-store'
import { dataPaths } from '../../src/main/lib/data-paths'
import { silentLogger } from '../../src/main/lib/logger'
import { locateParts, requirePart } from '../../src/main/lib/parts'
import { runtimeDir } from '../../src/main/lib/runtime-dir'
import { examineVirtiofsd } from '../../src/main/lib/virtiofsd'
import { ensureRootDirectory, renewBundle } from '../../src/main/rootfs/directory/root-directory'
import { support } from '../support/runner-fixture'

const parts = await locateParts({ runtimeDir: runtimeDir(process.env), env: process.env })
const path = {
  qemu: requirePart(parts, 'qemu', 'QEMU'),
  kernel: requirePart(parts, 'kernel', 'kernel'),
  guest: requirePart(parts, 'guest', 'guest bundle'),
  starter: requirePart(parts, 'starter', 'starter image'),
  virtiofsd: requirePart(parts, 'virtiofsd', 'virtiofsd'),
}

let dir: string
let root: string
let bundle: FsTree
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'microvm-root-'))
  root = join(dir, 'root')
  const { images } = dataPaths(join(dir, 'data'))
  const deps = { imagesDir: images.directories, logger: silentLogger }
  const store = createImageStore({
    paths: images,
    starterLayout: path.starter,
    logger: silentLogger,
  })
  const starter = await store.ensure('starter', {})
  await ensureRootDirectory(deps, root, 'starter', () => store.tree(starter))
  const layer = await store.ensureLayer(join(path.guest, 'bundle.tar'))
  bundle = await store.graft(emptyTree(), layer)
  await copyFile(support('krun-init.sh'), join(root, 'krun-init'))
  await chmod(join(root, 'krun-init'), 0o755)
}, 60_000)
afterAll(() => rm(dir, { recursive: true, force: true }))

/** The bundle and the config of one start, put into the root as a launch does it. */
async function writeConfig(argv: readonly string[]): Promise<void> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const type = 'ecdsa-sha2-nistp256'
  const point = privateKey.export({ format: 'jwk' })
  const wire = [type, 'nistp256', `${point.x}${point.y}`].map((text) => {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(text.length)
    return Buffer.concat([length, Buffer.from(text)])
  })
  const entries = configDriveEntries({
    hostname: 'directory',
    authorizedKeys: [`${type} ${Buffer.concat(wire).toString('base64')}`],
    hostKey: privateKey.export({ type: 'sec1', format: 'pem' }).toString(),
    env: ['PATH=/bin:/.microvm/bin', 'SECRET=kept'],
    argv,
    workdir: '/',
    user: '',
    stopSignal: 15,
    stopGraceMs: 1000,
    tmpMib: 16,
    network: {
      address: '192.168.127.2',
      prefix: 24,
      gateway: '192.168.127.1',
      dns: '192.168.127.1',
      mtu: 1500,
    },
    shares: [],
    disks: [],
    files: [],
  })
  await renewBundle(root, bundle, entries)
}

interface Guest {
  readonly events: GuestEvent[]
  console(): string
  send(line: string): void
  until(what: () => boolean): Promise<void>
  readonly ended: Promise<unknown>
}
let processes: ChildProcess[] = []
afterEach(() => {
  for (const process_ of processes) process_.kill('SIGKILL')
  processes = []
})

/** Commands go in at the first port, events come out at the last; there may be but one. */
async function boot(init: string, ports: readonly string[]): Promise<Guest> {
  const virtiofs = join(dir, 'virtiofs.sock')
  const { kind } = await examineVirtiofsd(path.virtiofsd)
  const shared = kind === 'c' ? ['-f', '-o', `source=${root}`] : [`--shared-dir=${root}`]
  start(path.virtiofsd, [`--socket-path=${virtiofs}`, ...shared])
  while (!existsSync(virtiofs)) await sleep(5)
  const sockets = ports.map((name) => join(dir, `${name}.sock`))
  const devices = ports.flatMap((name, index) => [
    ...['-chardev', `socket,id=${name},path=${sockets[index]},server=on,wait=off`],
    ...['-device', `virtserialport,chardev=${name},name=${name}`],
  ])
  const qemu = start(path.qemu, [
    ...['-M', 'microvm,x-option-roms=off,rtc=on,acpi=off,isa-serial=off,memory-backend=memory'],
    ...['-object', 'memory-backend-memfd,id=memory,size=256M,share=on', '-m', '256M'],
    ...['-accel', 'tcg,thread=multi', '-cpu', 'max', '-nodefaults', '-no-user-config'],
    ...['-display', 'none', '-no-reboot', '-global', 'virtio-mmio.force-legacy=false'],
    ...['-chardev', 'stdio,id=console,signal=off', '-device', 'virtio-serial-device'],
    ...['-device', 'virtconsole,chardev=console', ...devices],
    ...['-chardev', `socket,id=root,path=${virtiofs}`],
    ...['-device', 'vhost-user-fs-device,chardev=root,tag=root'],
    ...['-netdev', 'user,id=network,restrict=on', '-device', 'virtio-net-device,netdev=network'],
    ...['-kernel', path.kernel, '-append'],
    `console=hvc0 root=root rootfstype=virtiofs rw init=${init} quiet panic=-1 reboot=t mitigations=off`,
  ])
  let text = ''
  qemu.stdout!.on('data', (data: Buffer) => (text += data.toString()))
  qemu.stderr!.on('data', (data: Buffer) => (text += data.toString()))
  const ended = new Promise((resolve) => qemu.once('exit', resolve))
  const streams = await Promise.all(sockets.map(open))
  const events: GuestEvent[] = []
  let pending = ''
  streams.at(-1)!.on('data', (data: Buffer) => {
    const lines = (pending + data.toString()).split('\n')
    pending = lines.pop()!
    for (const line of lines) events.push(guestEventSchema.parse(JSON.parse(line)))
  })
  return {
    events,
    console: () => text,
    send: (line) => streams[0]!.write(line),
    until: async (what) => {
      const deadline = Date.now() + 30_000
      while (!what()) {
        if (Date.now() > deadline) throw new Error(`${JSON.stringify(events)}\n${text}`)
        await sleep(20)
      }
    },
    ended,
  }
}

function start(command: string, args: readonly string[]): ChildProcess {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  processes.push(child)
  return child
}

async function open(socket: string): Promise<Socket> {
  for (let tries = 0; ; tries += 1) {
    const stream = connect(socket)
    const connected = await new Promise((resolve) => {
      stream.once('connect', () => resolve(true)).once('error', () => resolve(false))
    })
    if (connected) return stream
    if (tries > 1000) throw new Error(`${socket} does not answer`)
    await sleep(5)
  }
}

describe.each([
  [
    'after libkrun’s own init, on the standard streams',
    '/krun-init',
    ['krun-stdin', 'krun-stderr'],
  ],
  ['as the kernel’s first process, on the named port', '/.microvm/init', ['org.microvm.control']],
] as const)('a machine on a directory of the host, %s', (_, init, ports) => {
  const script = [
    'touch /written; touch /.microvm/not-written; cat /.microvm/config/env /etc/hostname',
    'ls /.microvm/config /.microvm/mnt/dev; cat /proc/mounts; mount | wc -l; tty; echo end of script',
  ].join('; ')

  it('boots, and ends with its entrypoint', async () => {
    await writeConfig(['sh', '-c', script])
    const guest = await boot(init, ports)
    await guest.ended
    expect(guest.events.map(({ event }) => event).filter((event) => event !== 'stats')).toEqual([
      ...[
        'hello',
        'mounted',
        'network-up',
        'sshd-ready',
        'entrypoint-started',
        'exited',
        'shutdown',
      ],
    ])
    const text = guest.console().replaceAll('\r', '')
    expect(text).toContain('end of script')
    expect(text).toContain('SECRET=kept')
    expect(text).toMatch(/\bdirectory\n/)
    expect(text).toMatch(/^\/dev\/console$|^\/dev\/hvc0$/m)
    expect(text).toContain('not-written: Read-only file system')
    expect(existsSync(join(root, 'written'))).toBe(true)
    expect(existsSync(join(root, '.microvm/not-written'))).toBe(false)
    // Every file system is there, and the early ones are gone.
    for (const place of ['/proc', '/sys', '/dev', '/dev/pts', '/dev/shm', '/run', '/tmp'])
      expect(text).toMatch(new RegExp(`^\\S+ ${place} `, 'm'))
    expect(text).not.toMatch(/^\S+ \/\.microvm\/mnt/m)
    expect(text).not.toMatch(/warning|fatal/)
  })

  it('keeps no host key where the machine can see it', () => {
    expect(existsSync(join(root, '.microvm/config/env'))).toBe(true)
    expect(existsSync(join(root, '.microvm/config/host-key'))).toBe(false)
  })

  it('obeys the runner, and keeps what was changed in it', async () => {
    await writeFile(join(root, 'etc/resolv.conf'), 'nameserver 192.0.2.1\n')
    await writeConfig([])
    const guest = await boot(init, ports)
    await guest.until(() => guest.events.some(({ event }) => event === 'sshd-ready'))
    guest.send(guestCommands.poweroff(0))
    await guest.ended
    expect(guest.events.at(-1)).toMatchObject({ event: 'shutdown', reason: 'runner' })
    expect(await readFile(join(root, 'etc/resolv.conf'), 'utf8')).toBe('nameserver 192.0.2.1\n')
  })
})
