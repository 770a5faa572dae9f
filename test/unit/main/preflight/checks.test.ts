// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Parts } from '../../../../src/main/lib/parts'
import {
  mergeChecks,
  requireChecks,
  runChecks,
  type PreflightCheck,
  type PreflightContext,
} from '../../../../src/main/preflight/checks'
import { hostChecks } from '../../../../src/main/preflight/host-checks'

let dir: string
let parts: Parts
let server: Server | undefined

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'microvm-preflight-'))
  for (const name of ['bundle.tar', 'manifest.json', 'vm-disk.ext4'])
    await writeFile(join(dir, name), '')
  const there = (path: string) => ({ found: true, path, from: 'setting' }) as const
  parts = {
    qemu: there('/usr/bin/qemu'),
    gvproxy: there('/gvproxy'),
    kernel: there('/kernel'),
    guest: there(dir),
    starter: there('/starter'),
  }
})
afterEach(async () => {
  server?.close()
  server = undefined
  await rm(dir, { recursive: true })
})

const context = (changes: Partial<PreflightContext> = {}): PreflightContext => ({
  parts,
  dataDir: join(dir, 'data'),
  backend: {
    available: true,
    choice: { name: 'qemu', accelerator: 'tcg', reason: 'CPU has neither vmx nor svm' },
    detail: 'QEMU 8.2.1 at /usr/bin/qemu',
  },
  ...changes,
})
const wanting = (ports: { host: number; guest: number }[] = [], memoryMib = 128, cpus = 1) =>
  context({ wanted: { cpus, memoryMib, ports } })
const gone = (hint: string) => ({ found: false, hint }) as const

describe('preflight', () => {
  it('lets a launch go on when all is there, and warns of emulation', async () => {
    await requireChecks(hostChecks, wanting())
    const found = await runChecks(hostChecks, context())
    expect(found.find(({ name }) => name === 'QEMU')?.detail).toContain('QEMU 8.2.1')
    expect(found.find(({ name }) => name === 'Virtualisation')).toMatchObject({
      status: 'warning',
      detail: 'tcg: CPU has neither vmx nor svm',
    })
  })

  it('names everything required that is missing, at once, with what to do', async () => {
    const bare = { ...parts, qemu: gone('Install QEMU.'), kernel: gone('Run set-up.') }
    const backend = { available: false, reason: 'nothing to try', hint: '' } as const
    const nothing = context({ parts: bare, backend })
    const error = await requireChecks(hostChecks, nothing).catch((e: unknown) => e)
    expect(error).toMatchObject({
      code: 'PREFLIGHT_FAILED',
      message: 'QEMU is not installed; the guest kernel is missing',
      hint: 'Install QEMU. Run set-up.',
    })
  })

  it('says why no backend can run, and what to do', async () => {
    const backend = { available: false, reason: 'QEMU 6.9 is too old', hint: 'Get 7.2.' } as const
    await expect(requireChecks(hostChecks, context({ backend }))).rejects.toMatchObject({
      message: '/usr/bin/qemu cannot run a machine: QEMU 6.9 is too old',
      hint: 'Get 7.2.',
    })
  })

  it('refuses a guest bundle with a file missing', async () => {
    await rm(join(dir, 'bundle.tar'))
    await expect(requireChecks(hostChecks, context())).rejects.toThrow('no bundle.tar')
  })

  it('names the process that holds a port', async () => {
    server = createServer()
    await new Promise<void>((resolve) => {
      server!.listen(0, '127.0.0.1', resolve)
    })
    const { port } = server.address() as AddressInfo
    const error = await requireChecks(hostChecks, wanting([{ host: port, guest: 80 }])).catch(
      (reason: unknown) => reason,
    )
    expect(error).toMatchObject({ code: 'PORT_IN_USE' })
    expect((error as Error).message).toContain(`port ${port} is in use by`)
    expect((error as Error).message).toContain(`(process ${process.pid})`)
    await requireChecks(hostChecks, wanting([{ host: 0, guest: 80 }]))
  })

  it('refuses more memory than the host has, but only warns of more CPUs', async () => {
    const tooMuch = Math.floor(totalmem() / 1024 / 1024) + 1
    await expect(requireChecks(hostChecks, wanting([], tooMuch))).rejects.toThrow('MiB of memory')
    await requireChecks(hostChecks, wanting([], 128, 4096))
    const found = await runChecks(hostChecks, wanting([], 128, 4096))
    expect(found.find(({ name }) => name === 'CPU')?.status).toBe('warning')
  })

  it('refuses a data directory that cannot be one', async () => {
    await writeFile(join(dir, 'data'), 'a file')
    await expect(requireChecks(hostChecks, context())).rejects.toThrow('cannot be written')
  })
})

describe('a caller’s own checks', () => {
  const failing = (name: string, required: boolean): PreflightCheck => ({
    name,
    required,
    run: async () => ({ status: 'failed', detail: 'never good' }),
  })

  it('are added, and stop a launch when required', async () => {
    const checks = mergeChecks(hostChecks, [failing('Mine', true)])
    await expect(requireChecks(checks, context())).rejects.toThrow('never good')
    await requireChecks(mergeChecks(hostChecks, [failing('Mine', false)]), context())
  })

  it('replace ours of the same name', async () => {
    const bare = context({ parts: { ...parts, qemu: gone('Install QEMU.') } })
    const fine: PreflightCheck = {
      name: 'QEMU',
      required: true,
      run: async () => ({ status: 'ok', detail: 'elsewhere' }),
    }
    await requireChecks(mergeChecks(hostChecks, [fine]), bare)
  })

  it('count as failed when they break', async () => {
    const broken: PreflightCheck = {
      name: 'Broken',
      required: true,
      run: () => Promise.reject(new Error('no such thing')),
    }
    await expect(requireChecks([broken], context())).rejects.toThrow('no such thing')
  })
})
