// SPDX-License-Identifier: Apache-2.0
// The runner over the real QEMU, gvproxy, kernel and guest: what the stand-ins of the supervision
// tests cannot show.
import { writeFile } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { openTunnel } from '../../native-runner/net/tunnel'
import type { VmView } from '../../src/contract/ipc'
import { readHostFeatures } from '../../src/main/hypervisor/host-features'
import { connectRunner } from '../../src/main/hypervisor/runner-client'
import { tryAccelerator } from '../../src/main/hypervisor/qemu/accelerator'
import { locateParts } from '../../src/main/lib/parts'
import { runtimeDir } from '../../src/main/lib/runtime-dir'
import { makeCli, processesNaming, type Cli } from '../support/cli'
import { makeRunner, type RunnerFixture } from '../support/runner-fixture'

const { obstacle } = await readHostFeatures()

async function realParts() {
  const parts = await locateParts({ runtimeDir: runtimeDir(process.env), env: process.env })
  const path = (name: keyof typeof parts): string => {
    const part = parts[name]
    if (!part.found) throw new Error(`${name}: ${part.hint}`)
    return part.path
  }
  return {
    vmm: { kind: 'qemu' as const, executable: path('qemu'), kernel: path('kernel') },
    gvproxy: path('gvproxy'),
  }
}

/** Everything a server on the host's loopback says to whoever connects. */
function listen(greeting: string): Promise<{ port: number; server: Server }> {
  const server = createServer((socket) => socket.on('error', () => undefined).end(greeting))
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      resolve({ server, port: typeof address === 'object' && address ? address.port : 0 })
    })
  })
}

/** Sends a line and gives the first answer; '' if there is none. */
function echo(port: number, line: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => resolve('')).on('close', () => resolve(''))
    socket.setTimeout(5000, () => socket.destroy())
    socket.once('data', (data) => {
      resolve(data.toString())
      socket.destroy()
    })
    socket.write(line)
  })
}

describe('a real machine', () => {
  let cli: Cli
  beforeAll(async () => {
    cli = await makeCli()
    await cli.ok([
      'create',
      '--name',
      'real',
      '--port',
      '0:7000',
      'starter',
      '--',
      'nc',
      '-ll',
      '-p',
      '7000',
      '-e',
      'cat',
    ])
  })
  afterAll(() => cli.dispose())

  const state = async (): Promise<VmView['state']> => {
    const [machine] = await cli.json<VmView[]>(['ls'])
    return machine!.state
  }
  const inGuest = (script: string) => cli.run(['exec', 'real', '--', 'sh', '-c', script])
  const processes = () => processesNaming(cli.dataDir)
  const kill = async (what: string): Promise<void> => {
    const line = (await processes()).find((text) => text.includes(what))
    process.kill(Number(line?.split(' ')[0]), 'SIGKILL')
  }
  const over = async (): Promise<VmView['state']> => {
    for (let tries = 0; tries < 200; tries += 1) {
      const now = await state()
      if (now.status === 'failed' || now.status === 'stopped') return now
      await sleep(50)
    }
    throw new Error(`still ${JSON.stringify(await state())}`)
  }

  it('is started, forwards a free port, and tells every stage in order', async () => {
    await cli.ok(['start', 'real'])
    const { ports, timeline } = await state()
    expect(await echo(ports[0]!.host, 'hello\n')).toBe('hello\n')
    const stages = timeline.map(({ name }) => name)
    expect(stages.slice(0, 2)).toEqual(['image', 'disk'])
    // Side by side: either may be the first to end.
    expect(stages.slice(2, 4).toSorted()).toEqual(['network', 'vmm'])
    expect(stages.slice(4)).toEqual(['kernel', 'mounted', 'network-up', 'sshd-ready', 'entrypoint'])
  })

  it('opens and closes ports while it runs', async () => {
    const client = await connectRunner((await state()).socket!)
    const { ports } = await client.request('setPorts', {
      ports: [
        { host: 0, guest: 7000 },
        { host: 0, guest: 22 },
      ],
    })
    expect(await echo(ports[1]!.host, 'SSH-2.0-test\r\n')).toMatch(/^SSH-2\.0-/)
    await client.request('setPorts', { ports: [ports[0]!] })
    expect(await echo(ports[1]!.host, 'SSH-2.0-test\r\n')).toBe('')
    expect(await echo(ports[0]!.host, 'still\n')).toBe('still\n')
    client.close()
  })

  it('names the process that holds a port it should open', async () => {
    const { server, port } = await listen('mine')
    const client = await connectRunner((await state()).socket!)
    await expect(
      client.request('setPorts', { ports: [{ host: port, guest: 80 }] }),
    ).rejects.toMatchObject({
      code: 'PORT_IN_USE',
      message: expect.stringContaining(`(process ${process.pid})`) as string,
    })
    client.close()
    server.close()
  })

  it('is reached through the API socket without any host port', async () => {
    const client = await connectRunner((await state()).socket!)
    const { apiSocket, guestIp } = await client.request('sshEndpoint', {})
    client.close()
    const tunnel = await openTunnel(apiSocket, guestIp, 7000)
    tunnel.write('through\n')
    const answer = await new Promise((resolve) => tunnel.once('data', resolve))
    expect(String(answer)).toBe('through\n')
    tunnel.destroy()
    const nobody = await openTunnel(apiSocket, guestIp, 7001)
    expect(await nobody.toArray()).toEqual([])
  })

  it('cannot reach the host’s loopback, nor open ports of the host', async () => {
    const { server, port } = await listen('HTTP/1.0 200 OK\r\n\r\nsecret of the host')
    const { stdout } = await inGuest(
      `wget -T 2 -q -O - http://192.168.127.254:${port}/; wget -T 2 -q -O - http://192.168.127.1/services/forwarder/all; echo done`,
    )
    expect(stdout).toBe('done\n')
    server.close()
  })

  it('leaves nothing running when its runner is killed with -9, and starts again', async () => {
    expect((await processes()).length).toBe(3)
    const { runner } = await state()
    process.kill(runner!.pid, 'SIGKILL')
    for (let tries = 0; (await processes()).length > 0 && tries < 100; tries += 1) await sleep(20)
    expect(await processes()).toEqual([])
    expect(await state()).toMatchObject({ status: 'failed' })
    await cli.ok(['start', 'real'])
    expect((await inGuest('echo up')).stdout).toBe('up\n')
  })

  it('says so when QEMU is killed', async () => {
    await kill('virtio-blk-device')
    const { status, error } = await over()
    expect(status).toBe('failed')
    expect(error).toMatchObject({
      code: 'HYPERVISOR_FAILED',
      message: expect.stringContaining('QEMU was killed by SIGKILL') as string,
    })
    expect(await processes()).toEqual([])
  })

  it('says so when gvproxy is killed', async () => {
    await cli.ok(['start', 'real'])
    await kill('-listen-qemu')
    const { status, error } = await over()
    expect(status).toBe('failed')
    expect(error).toMatchObject({
      code: 'NETWORK_FAILED',
      message: expect.stringContaining('gvproxy was killed by SIGKILL') as string,
    })
    expect(await processes()).toEqual([])
  })
})

describe('the kernel', () => {
  let fixture: RunnerFixture
  afterEach(() => fixture.dispose())

  /** A disk nothing boots from. */
  async function emptyDisk(): Promise<RunnerFixture> {
    fixture = await makeRunner(await realParts())
    const dir = fixture.disksDir
    await writeFile(join(dir, 'data'), Buffer.alloc(64 * 1024))
    await writeFile(
      join(dir, 'image'),
      '# Disk DescriptorFile\nversion=1\nCID=fffffffe\nparentCID=ffffffff\ncreateType="twoGbMaxExtentFlat"\n\nRW 128 FLAT "data" 0\n',
    )
    return fixture
  }
  const failure = async () =>
    (await fixture.until(({ status }) => status === 'failed' || status === 'stopped')).error

  it.each([32, 48])('cannot come up in %i MiB, which the hint says', async (memoryMib) => {
    await emptyDisk()
    await fixture.start({ memoryMib })
    expect(await failure()).toMatchObject({
      code: 'GUEST_BOOT_FAILED',
      hint: expect.stringContaining(`${memoryMib} MiB of memory`) as string,
    })
  })

  it('tells of a disk it cannot boot from in its own words', async () => {
    await emptyDisk()
    await fixture.start()
    expect(await failure()).toMatchObject({
      code: 'GUEST_BOOT_FAILED',
      message: expect.stringContaining('Unable to mount root fs') as string,
    })
    expect(await fixture.console()).toContain('Unable to mount root fs')
  })
})

describe('the accelerator', () => {
  it('is tried with the kernel itself', async () => {
    const { executable: qemu, kernel } = (await realParts()).vmm
    expect(await tryAccelerator({ qemu, kernel }, 'tcg', 30_000)).toBeUndefined()
    expect(await tryAccelerator({ qemu, kernel: '/dev/null' }, 'tcg')).toMatch(/^tcg fails: /)
  })

  it.runIf(obstacle !== undefined)('is not hardware’s where the CPU has none', async () => {
    const { executable: qemu, kernel } = (await realParts()).vmm
    expect(await tryAccelerator({ qemu, kernel }, 'kvm')).toMatch(/^kvm fails: /)
  })
})
