// SPDX-License-Identifier: Apache-2.0
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  createLibkrunBackend,
  type LibkrunBackendOptions,
} from '../../../../src/main/hypervisor/libkrun/libkrun-backend'
import { silentLogger } from '../../../../src/main/lib/logger'
import { libkrunFile, type Part, type Parts } from '../../../../src/main/lib/parts'

let dir: string
let library: string
let script: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'microvm-libkrun-'))
  library = join(dir, 'lib')
  script = join(dir, 'krun-vmm.mjs')
  await mkdir(library)
  await writeFile(join(library, libkrunFile), 'a library')
})
afterEach(() => rm(dir, { recursive: true }))

const missing: Part = { found: false, hint: 'install it' }
const features = {
  network: true,
  disks: true,
  ownKernel: true,
  remountRoot: true,
  readOnlyShares: true,
}
const answer = (change: object = {}, more: object = {}) => ({
  loaded: true,
  library: '/lib/libkrun.so.1',
  version: '1.17.0',
  features: { ...features, ...change },
  maxCpus: 255,
  ...more,
})

/** A krun-vmm that notes how it is called, then does as told. */
async function krunVmm(body: string): Promise<void> {
  await writeFile(
    script,
    `import { appendFileSync } from 'node:fs'
     const { LD_LIBRARY_PATH, MICROVM_SECRET } = process.env
     appendFileSync(${JSON.stringify(join(dir, 'calls'))}, JSON.stringify({ args: process.argv.slice(2), LD_LIBRARY_PATH, MICROVM_SECRET }) + '\\n')
     ${body}`,
  )
}
const says = (value: object) => krunVmm(`console.log(${JSON.stringify(JSON.stringify(value))})`)
const calls = async (): Promise<unknown[]> =>
  (await readFile(join(dir, 'calls'), 'utf8').catch(() => ''))
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as unknown)

function make(change: Partial<LibkrunBackendOptions> = {}) {
  const parts: Parts = {
    qemu: missing,
    libkrun: { found: true, path: library, from: 'setting' },
    virtiofsd: missing,
    gvproxy: missing,
    kernel: { found: true, path: '/kernel', from: 'runtime' },
    guest: missing,
    starter: missing,
  }
  return createLibkrunBackend({
    parts: async () => parts,
    obstacle: async () => undefined,
    cacheDir: join(dir, 'data'),
    env: { PATH: process.env['PATH'], MICROVM_SECRET: 'x' },
    logger: silentLogger,
    vmmPath: script,
    platform: 'linux',
    arch: 'x64',
    ...change,
  })
}

describe('the libkrun backend', () => {
  it('is available as its library says, with at most 16 CPUs', async () => {
    await says(answer())
    expect(await make().probe()).toEqual({
      available: true,
      choice: {
        name: 'libkrun',
        accelerator: 'kvm',
        reason: 'libkrun and hardware virtualisation work',
      },
      detail: `libkrun 1.17.0 in ${library}`,
      rootfs: 'disk',
      maxCpus: 16,
    })
    expect(await calls()).toEqual([{ args: ['--probe', library], LD_LIBRARY_PATH: library }])
  })

  it('boots from a directory with a library that cannot give the guest disks', async () => {
    await says(answer({ disks: false }, { maxCpus: 8 }))
    expect(await make().probe()).toMatchObject({ rootfs: 'directory', maxCpus: 8 })
  })

  it('loads the library once, until it or krun-vmm is another one', async () => {
    await says(answer())
    await Promise.all([make().probe(), make().probe()])
    const before = (await calls()).length
    await make().probe()
    expect(await calls()).toHaveLength(before)
    await writeFile(join(library, libkrunFile), 'another library')
    await make().probe()
    expect(await calls()).toHaveLength(before + 1)
  })

  it('does not even load the library where no guest could run', async () => {
    await says(answer())
    const obstacle = { reason: 'the CPU cannot', hint: 'Get another.' }
    expect(await make({ obstacle: async () => obstacle }).probe()).toEqual({
      available: false,
      ...obstacle,
    })
    expect(await make({ platform: 'darwin' }).probe()).toMatchObject({
      reason: expect.stringContaining('Apple silicon'),
    })
    expect(await calls()).toEqual([])
  })

  it('is not available without its parts', async () => {
    const parts = { libkrun: missing } as Parts
    expect(await make({ parts: async () => parts }).probe()).toEqual({
      available: false,
      reason: 'it is not installed',
      hint: 'install it',
    })
    expect(await make().probe()).toMatchObject({ reason: `${script} is missing` })
  })

  it.each([
    ['process.kill(process.pid, "SIGSEGV")', 'krun-vmm was killed by SIGSEGV'],
    ['console.error("no symbol x"); process.exit(3)', 'krun-vmm ended with code 3: no symbol x'],
    ['console.log("hello")', 'krun-vmm gave an answer that makes no sense'],
    [
      'console.log(JSON.stringify({ loaded: true }))',
      'krun-vmm gave an answer that makes no sense',
    ],
  ])('is not available when krun-vmm does %s', async (body, reason) => {
    await krunVmm(body)
    expect(await make().probe()).toMatchObject({
      available: false,
      reason: `libkrun cannot be tried: ${reason}`,
    })
  })

  it('passes on why a library cannot be loaded, or is of no use', async () => {
    const error = { code: 'HYPERVISOR_FAILED', message: 'tried a, b', hint: 'Look there.' }
    await says({ loaded: false, error })
    expect(await make().probe()).toEqual({
      available: false,
      reason: 'tried a, b',
      hint: 'Look there.',
    })
    await says(answer({ network: false }))
    expect(await make().probe()).toMatchObject({
      reason: `the libkrun in ${library} was built without networking`,
    })
  })

  it('tells the runner what runs the machine, and with which library', async () => {
    expect(await make().prepare({ shares: true })).toEqual({
      kind: 'libkrun',
      executable: process.execPath,
      script,
      libDir: library,
      kernel: '/kernel',
    })
    const own = make({ libDir: '/own' })
    expect(await own.prepare({ shares: false })).toMatchObject({ libDir: '/own' })
  })
})
