// SPDX-License-Identifier: Apache-2.0
// What krun-vmm tells libkrun, call by call, against a library that writes it down: every way to boot, old
// versions and new ones, and every call failing.
import { mkdtemp, mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { spawnChild } from '../../native-runner/process/child'
import { startKrun } from '../../native-runner/runner/krun-vmm'
import { runnerConfigSchema, type RunnerConfigInput } from '../../src/contract/runner-config'
import { entryPoint } from '../../src/main/lib/entry-points'
import { createLogger } from '../../src/main/lib/logger'
import {
  call,
  commandLine,
  consoleCalls,
  EACCES,
  EINVAL,
  ANY,
  initCalls,
  MAC,
  NETWORK,
  networkCall,
  told,
} from '../support/krun-calls'
import {
  makeLibkrun,
  NEWEST,
  OLDEST,
  type RecordedCall,
  type RecordingLibkrun,
} from '../support/recording-libkrun'

const noDisks = { kind: 'directory' as const, path: '/' }
const anyDisk = { path: '/x', readOnly: true, sizeBytes: 512, device: 'vdd' }

let home: string
let disk: Extract<RunnerConfigInput['root'], { kind: 'disk' }>
let directory: Extract<RunnerConfigInput['root'], { kind: 'directory' }>
let kernel: string

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'microvm-krun-'))
  const file = async (name: string): Promise<string> => {
    await writeFile(join(home, name), '')
    return join(home, name)
  }
  kernel = await file('vmlinux')
  disk = {
    kind: 'disk',
    image: await file('image.vmdk'),
    vm: await file('disk.ext4'),
    config: await file('config.erofs'),
  }
  directory = { kind: 'directory', path: join(home, 'root') }
  for (const dir of ['root', 'vm', 'shared folder']) await mkdir(join(home, dir))
})
afterEach(() => rm(home, { recursive: true, force: true }))

/** Runs the machine to its end, as the runner does. */
async function run(
  library: RecordingLibkrun | string,
  change: Partial<RunnerConfigInput> & { withKernel?: boolean } = {},
) {
  const { withKernel = true, ...rest } = change
  const libDir = typeof library === 'string' ? library : library.libDir
  const vmDir = join(home, 'vm')
  const vmm = {
    kind: 'libkrun' as const,
    executable: process.execPath,
    script: entryPoint('krun-vmm'),
    libDir,
    ...(withKernel ? { kernel } : {}),
  }
  const config: RunnerConfigInput = {
    vmId: '0123456789ab',
    name: 'contract',
    vmDir,
    socketDir: vmDir,
    backend: { name: 'libkrun', accelerator: 'kvm', reason: 'test' },
    cpus: 2,
    memoryMib: 512,
    root: disk,
    vmm,
    gvproxy: '/nowhere/gvproxy',
    ports: [],
    launch: { startedAt: 0, timeline: [] },
    ...rest,
  }
  const configFile = join(home, 'runner.json')
  await writeFile(configFile, JSON.stringify(config))
  let stderr = ''
  const logger = createLogger({ write: (line) => (stderr += line) })
  const start = startKrun(
    { spawnChild: (command) => spawnChild(command, logger), configFile },
    { ...runnerConfigSchema.parse(config), vmm },
    async () => [],
  )
  const machine = await start({ onPaused: () => undefined, onBroken: () => undefined })
  /** What the guest said. */
  const heard = { console: '', control: '' }
  machine.console.on('data', (chunk: Buffer) => (heard.console += chunk.toString()))
  machine.control.on('data', (chunk: Buffer) => (heard.control += chunk.toString()))
  const exit = await machine.child.exited
  await machine.tidy?.()
  expect(await readdir(vmDir)).toEqual([])
  return { exit, failure: machine.failure, stderr, ...heard }
}

const diskCalls = (): RecordedCall[] => [
  call('add_disk3', 0, 'image', disk.image, 2, true, false, 1),
  call('add_disk3', 0, 'vm', disk.vm, 0, false, false, 1),
  call('add_disk3', 0, 'config', disk.config, 0, true, false, 1),
]

describe('krun-vmm with the newest libkrun', () => {
  let library: RecordingLibkrun
  beforeAll(async () => {
    library = await makeLibkrun(NEWEST)
  })
  afterAll(() => library.dispose())
  beforeEach(async () => {
    await library.reset()
    await library.enter('exit 0')
  })

  it('boots our kernel from disks, as QEMU does', async () => {
    expect(await run(library)).toMatchObject({
      exit: { code: 0, signal: null },
      failure: undefined,
    })
    expect(await told(library)).toEqual([
      call('init_log', ANY, 2, 2, 1),
      call('create_ctx'),
      call('set_vm_config', 0, 2, 512),
      ...diskCalls(),
      call('disable_implicit_init', 0),
      call('set_kernel', 0, kernel, 1, null, commandLine),
      networkCall,
      ...consoleCalls,
      call('start_enter', 0),
    ])
  })

  it('has libkrun’s kernel and init mount the image disk where it is given no kernel', async () => {
    await run(library, { withKernel: false })
    expect(await told(library)).toEqual([
      call('init_log', ANY, 2, 2, 1),
      call('create_ctx'),
      call('set_vm_config', 0, 2, 512),
      ...diskCalls(),
      call('set_root_disk_remount', 0, '/dev/vda', 'erofs', 'ro'),
      ...initCalls,
      networkCall,
      ...consoleCalls,
      call('start_enter', 0),
    ])
  })

  it('boots from a directory', async () => {
    await run(library, { root: directory })
    expect(await told(library)).toEqual([
      call('init_log', ANY, 2, 2, 1),
      call('create_ctx'),
      call('set_vm_config', 0, 2, 512),
      call('set_root', 0, directory.path),
      ...initCalls,
      networkCall,
      ...consoleCalls,
      call('start_enter', 0),
    ])
  })

  it('shares folders, read-only where it is told to', async () => {
    const hostPath = join(home, 'shared folder')
    const shares = [
      { tag: 'one', hostPath, readOnly: true },
      { tag: 'two', hostPath: home, readOnly: false },
    ]
    await run(library, { shares })
    const shared = (await told(library)).filter(({ call: name }) => name.includes('virtiofs'))
    expect(shared).toEqual([
      call('add_virtiofs3', 0, 'one', hostPath, 0, true),
      call('add_virtiofs3', 0, 'two', home, 0, false),
    ])
  })

  it('gives the guest extra disks, after its own and in order', async () => {
    const extra = (device: string, readOnly: boolean) => {
      return { device, readOnly, path: join(home, `"${device}".img`), sizeBytes: 512 }
    }
    const disks = [extra('vdd', true), extra('vde', false)]
    for (const { path } of disks) await writeFile(path, Buffer.alloc(512))
    await run(library, { disks })
    const added = (await told(library)).filter(({ call: name }) => name === 'krun_add_disk3')
    expect(added).toEqual([
      ...diskCalls(),
      call('add_disk3', 0, 'vdd', disks[0]?.path, 0, true, false, 1),
      call('add_disk3', 0, 'vde', disks[1]?.path, 0, false, false, 1),
    ])
  })

  it.each([
    [
      { shares: [{ tag: 'a', hostPath: '/', readOnly: false, owner: { uid: 1, gid: 1 } }] },
      71,
      /who owns/,
    ],
    [{ cpus: 9 }, 64, /9 CPUs/],
    [{ root: noDisks, disks: [anyDisk] }, 71, /cannot give the machine disks/],
  ])('refuses %j', async (change, code, message) => {
    const { exit, failure } = await run(library, change)
    expect(exit.code).toBe(code)
    expect(failure?.message).toMatch(message)
    expect(failure?.hint).toBeTruthy()
    expect(await told(library)).toEqual([call('init_log', ANY, 2, 2, 1)])
  })

  it.each([
    [[], /no network devices/],
    [[0], /cannot boot from a disk/],
    [[1], /no network devices/],
  ])('says so when it was built with features %j only', async (features, message) => {
    await library.features(features)
    const { exit, failure } = await run(library)
    expect(exit.code).toBe(71)
    expect(failure).toMatchObject({
      code: 'HYPERVISOR_FAILED',
      message: expect.stringMatching(message) as string,
      hint: expect.stringContaining('QEMU') as string,
    })
  })

  it('goes by its calls when it knows no features', async () => {
    await library.fail({ krun_get_max_vcpus: EINVAL })
    expect(await run(library)).toMatchObject({ exit: { code: 0 } })
    await library.fail({ krun_has_feature: EINVAL })
    expect((await run(library)).failure?.message).toContain('no network devices')
  })

  it.each([
    ['exit 0', { code: 0, signal: null }],
    ['exit 125', { code: 125, signal: null }],
    ['signal 6', { code: null, signal: 'SIGABRT' }],
  ])('ends as the guest does: %s', async (how, exit) => {
    await library.enter(how)
    expect(await run(library)).toMatchObject({ exit, failure: undefined })
  })

  it('says in libkrun’s words why a machine cannot be started', async () => {
    await rm(disk.vm)
    const { exit, failure, stderr } = await run(library)
    expect(exit.code).toBe(71)
    expect(failure?.message).toBe('libkrun failed: krun_start_enter: EINVAL, Invalid argument')
    expect(stderr).toContain(`cannot open disk ${disk.vm}`)
  })

  it('names the call that fails, whichever it is, and frees what it has made', async () => {
    const failing = new Set<string>()
    const cases = [{}, { withKernel: false }, { root: directory, shares: oneShare() }]
    for (const change of cases) {
      await library.reset()
      await library.enter('exit 0')
      await run(library, change)
      for (const { call: name } of await told(library)) {
        if (failing.has(name)) continue
        failing.add(name)
        await library.reset()
        await library.fail({ [name]: EACCES })
        const { exit, failure } = await run(library, change)
        expect({ name, code: exit.code }).toEqual({ name, code: 71 })
        expect(failure).toMatchObject({
          code: 'HYPERVISOR_FAILED',
          message: `libkrun failed: ${name}: EACCES, Permission denied`,
        })
        const calls = (await told(library)).map((made) => made.call)
        const made = calls.includes('krun_create_ctx') && name !== 'krun_create_ctx'
        const entered = name === 'krun_start_enter'
        expect(calls.at(-1)).toBe(made && !entered ? 'krun_free_ctx' : name)
      }
    }
    // Every call these three machines take.
    expect(failing.size).toBe(18)
  })

  const oneShare = () => [{ tag: 'a', hostPath: home, readOnly: false }]
})

describe('krun-vmm with an older libkrun', () => {
  let library: RecordingLibkrun | undefined
  afterEach(() => library?.dispose())
  const runWith = async (
    release: number,
    change: Parameters<typeof run>[1] = {},
  ): ReturnType<typeof run> => {
    library = await makeLibkrun(release)
    await library.enter('exit 0')
    return await run(library, { root: directory, ...change })
  }

  it('is content with the calls of 1.9', async () => {
    const shares = [{ tag: 'a', hostPath: home, readOnly: false }]
    expect(await runWith(OLDEST, { shares })).toMatchObject({ exit: { code: 0 } })
    expect(await told(library!)).toEqual([
      call('set_log_level', 0),
      call('create_ctx'),
      call('set_vm_config', 0, 2, 512),
      call('set_root', 0, directory.path),
      call('set_workdir', 0, '/'),
      // Its init keeps process 1 for itself, so ours becomes that of a namespace.
      call(
        ...(['set_exec', 0, '/.microvm/bin/busybox'] as const),
        ['unshare', '--pid', '--fork', '/.microvm/init'],
        ['MICROVM_CONTROL=stdio'],
      ),
      call('add_virtiofs', 0, 'a', home),
      call('set_passt_fd', 0, NETWORK),
      call('set_net_mac', 0, MAC),
      call('start_enter', 0),
    ])
  })

  it.each([
    [OLDEST, () => directory],
    [1.16, () => directory],
    [1.17, () => directory],
    [NEWEST, () => disk],
  ])('hears the guest of %d on console and control channel', async (release, root) => {
    library = await makeLibkrun(release)
    await writeFile(join(home, 'behaviour'), 'gives up at once')
    const { exit, console, control } = await run(library, { root: root() })
    expect(exit.code).toBe(0)
    expect(console).toBe('Giving up.\n')
    expect(control).toContain('"event":"fatal","message":"no disk"')
  })

  it.each([
    [1.13, ['init_log', 'set_passt_fd']],
    [1.15, ['init_log', 'add_net_unixstream']],
    [1.16, ['init_log', 'add_net_unixstream']],
    [1.17, ['init_log', 'add_net_unixstream', 'disable_implicit_vsock', 'add_console_port_inout']],
  ])('takes of %d what is new there', async (release, expected) => {
    expect(await runWith(release)).toMatchObject({ exit: { code: 0 } })
    const chosen =
      /^krun_(init_log|set_log_level|set_passt_fd|add_net_unixstream|disable_implicit_vsock|add_console_port_inout)$/
    const calls = (await told(library!))
      .map(({ call: name }) => name)
      .filter((name) => chosen.test(name))
    expect(calls).toEqual(expected.map((name) => `krun_${name}`))
  })

  it('boots from disks since 1.17', async () => {
    expect(await runWith(1.17, { root: disk })).toMatchObject({ exit: { code: 0 } })
    expect((await told(library!)).map(({ call: name }) => name)).toContain('krun_set_kernel')
  })

  it.each([
    [1.16, () => ({ root: disk }), /cannot boot from a disk/, /1\.17/],
    [
      1.17,
      () => ({ shares: [{ tag: 'a', hostPath: home, readOnly: true }] }),
      /read-only/,
      /1\.18/,
    ],
  ])('of %d says what it cannot do, and which can', async (release, change, message, hint) => {
    const { exit, failure } = await runWith(release, change())
    expect(exit.code).toBe(71)
    expect(failure?.message).toMatch(message)
    expect(failure?.hint).toMatch(hint)
  })
})

describe('krun-vmm without a libkrun', () => {
  it('lists every path it tried', async () => {
    await writeFile(join(home, 'libkrun.so'), 'no library')
    const { exit, failure } = await run(home)
    expect(exit.code).toBe(71)
    expect(failure?.code).toBe('HYPERVISOR_FAILED')
    expect(failure?.message).toContain(`${home}/libkrun.so.1: cannot open shared object file`)
    expect(failure?.message).toContain(`${home}/libkrun.so: `)
    expect(failure?.message).toContain('; libkrun.so.1: ')
    expect(failure?.message).toContain('; libkrun.so: ')
    expect(failure?.hint).toContain('1.9')
  })

  it('does not take a library for one that has none of its calls', async () => {
    const library = await makeLibkrun(OLDEST, ['krun_create_ctx'])
    const { failure } = await run(library)
    expect(failure?.message).toContain('it has no krun_create_ctx')
    await library.dispose()
  })

  it('names a call that it cannot do without', async () => {
    const library = await makeLibkrun(OLDEST, ['krun_set_workdir'])
    const { exit, failure } = await run(library, { root: directory })
    expect(exit.code).toBe(71)
    expect(failure?.message).toBe('libkrun failed: this libkrun has no krun_set_workdir')
    await library.dispose()
  })
})
