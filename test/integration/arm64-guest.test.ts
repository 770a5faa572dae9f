// SPDX-License-Identifier: Apache-2.0
// The guest for arm64, cross-built: every file is for that processor, and it boots, here under full emulation.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { platformOf } from '../../scripts/parts/platforms.mjs'
import { inProject, runtimeDirOf } from '../../scripts/setup/paths.mjs'
import { createEngine, type Engine } from '../../src/main/engine'
import { createQemuBackend } from '../../src/main/hypervisor/qemu/qemu-backend'
import { silentLogger } from '../../src/main/lib/logger'
import { locateParts } from '../../src/main/lib/parts'
import { processesNaming } from '../support/cli'

const run = promisify(execFile)
const guest = platformOf('linux-arm64')
const parts = runtimeDirOf(guest.name)
const QEMU = 'qemu-system-aarch64'
/** Set-up installs it for tests. */
const qemu = (process.env['PATH'] ?? '')
  .split(delimiter)
  .map((folder) => join(folder, QEMU))
  .find((path) => existsSync(path))

let home: string
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'arm64-guest-'))
  const fetch = [inProject('scripts/fetch-parts.mjs'), 'runtime', 'firmware']
  await run(process.execPath, [...fetch, '--platform', guest.name])
})
afterAll(() => rm(home, { recursive: true, force: true }))

interface Elf {
  readonly path: string
  readonly machine: number
  /** Names a dynamic linker: the kernel would look for one in the image. */
  readonly interpreted: boolean
}

/** Every ELF file in a folder (System V ABI: e_machine at 18, program headers at e_phoff, PT_INTERP is 3). */
async function elfFiles(dir: string): Promise<Elf[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  const found = files.map(async ({ parentPath, name }) => {
    const path = join(parentPath, name)
    const content = await readFile(path)
    if (content.length < 64 || content.readUInt32BE(0) !== 0x7f454c46) return []
    const [start, count] = [Number(content.readBigUInt64LE(32)), content.readUInt16LE(56)]
    const types = Array.from({ length: count }, (_, index) =>
      content.readUInt32LE(start + index * 56),
    )
    const machine = content.readUInt16LE(18)
    return [{ path: path.slice(dir.length + 1), machine, interpreted: types.includes(3) }]
  })
  return (await Promise.all(found)).flat()
}

describe('the arm64 guest', () => {
  it('has programs and libraries for no other processor; what starts first needs no linker', async () => {
    await run('tar', ['-xf', join(parts, 'guest/bundle.tar'), '-C', home])
    const files = await elfFiles(join(home, '.microvm'))
    expect(files.length).toBeGreaterThan(10)
    expect(files.filter(({ machine }) => machine !== guest.elfMachine)).toEqual([])
    const alone = files.filter(({ interpreted }) => !interpreted).map(({ path }) => path)
    expect(alone).toEqual(expect.arrayContaining(['init', 'bin/busybox', `lib/${guest.loader}`]))
  })

  it('has a starter image of that architecture, busybox and all', async () => {
    const layout = join(parts, 'starter')
    const { manifests } = JSON.parse(await readFile(join(layout, 'index.json'), 'utf8'))
    expect(manifests[0].platform).toEqual({ architecture: 'arm64', os: 'linux' })
    const blob = async (digest: string) => join(layout, 'blobs', digest.replace(':', '/'))
    const manifest = JSON.parse(await readFile(await blob(manifests[0].digest), 'utf8'))
    await run('tar', ['-xzf', await blob(manifest.layers[0].digest), '-C', home, 'bin/busybox'])
    const [busybox] = await elfFiles(join(home, 'bin'))
    expect(busybox).toEqual({ path: 'busybox', machine: guest.elfMachine, interpreted: false })
  })
})

// The whole engine but for its backend: QEMU's virt machine in the place of the host's own.
describe('a machine made of it', () => {
  let engine: Engine
  const dataDir = () => join(home, 'data')
  beforeAll(async () => {
    const env = {
      ...process.env,
      MICROVM_QEMU: qemu,
      MICROVM_KERNEL: join(parts, guest.kernel),
      MICROVM_GUEST_DIR: join(parts, 'guest'),
      MICROVM_STARTER: join(parts, 'starter'),
    }
    const locate = () => locateParts({ runtimeDir: runtimeDirOf(platformOf().name), env })
    const deps = { parts: locate, cacheDir: home, logger: silentLogger, arch: guest.arch }
    const backend = createQemuBackend(deps)
    const probed = {
      available: true,
      choice: { name: 'qemu', accelerator: 'tcg', reason: 'another architecture' },
      detail: QEMU,
      rootfs: 'disk',
      maxCpus: 2,
    } as const
    engine = await createEngine({
      ...{ dataDir: dataDir(), env, arch: guest.arch },
      backends: [{ ...backend, probe: () => Promise.resolve(probed) }],
    })
  })
  afterAll(async () => {
    for (const { id } of await engine.machines.list()) {
      await engine.machines.stop(id, { force: true }).catch(() => undefined)
      await engine.machines.remove(id)
    }
    await engine.close()
  })

  it(
    'boots to a shell, with the processors and the disks it was given, and stops',
    { timeout: 240_000 },
    async () => {
      const { machines } = engine
      const disks = ['one', 'two'].map((name) => ({ source: join(home, name), readOnly: false }))
      for (const { source } of disks) await writeFile(source, source.slice(-3).padEnd(512))
      const spec = { name: 'arm', image: 'starter', cpus: 2, disks }
      const { id } = await machines.create(spec)
      const started = await machines.start(id)
      expect(started.state.timeline.map(({ name }) => name)).toContain('sshd-ready')
      const connection = await machines.connect(id)
      const { stdout, exited } = await connection.exec(
        'uname -m; nproc; hostname; head -qc 3 /dev/disk0 /dev/disk1; readlink /dev/disk1',
      )
      const lines = (await stdout.setEncoding('utf8').toArray()).join('').split('\n')
      expect(await exited).toBe(0)
      expect(lines).toEqual(['aarch64', '2', 'arm', 'onetwovde', ''])
      connection.close()
      expect((await machines.stop(id)).state.status).toBe('stopped')
      expect(await processesNaming(dataDir())).toEqual([])
    },
  )
})
