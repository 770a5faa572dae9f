// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { BackendName } from '../../../../src/contract/vm-spec'
import type { Backend, BackendProbe } from '../../../../src/main/hypervisor/backend'
import { chooseBackend } from '../../../../src/main/hypervisor/choose-backend'
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
    libkrun: gone('Install libkrun.'),
    virtiofsd: there('/virtiofsd'),
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

const qemuWorks: BackendProbe = {
  available: true,
  choice: { name: 'qemu', accelerator: 'tcg', reason: 'CPU has neither vmx nor svm' },
  detail: 'QEMU 8.2.1 at /usr/bin/qemu',
  hint: 'Turn it on.',
  rootfs: 'disk',
  maxCpus: 16,
}
const noLibkrun: BackendProbe = { available: false, reason: 'no KVM', hint: 'Load it.' }
const krunWorks: BackendProbe = {
  available: true,
  choice: { name: 'libkrun', accelerator: 'kvm', reason: 'all is well' },
  detail: 'libkrun in /lib',
  rootfs: 'disk',
  maxCpus: 8,
}

function context(
  changes: Partial<PreflightContext> = {},
  probes = { libkrun: noLibkrun, qemu: qemuWorks },
  wish?: BackendName,
): PreflightContext {
  const backends = (['libkrun', 'qemu'] as const).map((name) => ({
    backend: { name } as Backend,
    probe: probes[name],
  }))
  return {
    parts,
    dataDir: join(dir, 'data'),
    backends,
    chosen: chooseBackend(backends, { backend: wish }),
    userNamespace: false,
    ...changes,
  }
}
const wanting = (ports: { host: number; guest: number }[] = [], memoryMib = 128) =>
  context({ wanted: { cpus: 1, memoryMib, ports } })
const gone = (hint: string) => ({ found: false, hint }) as const

describe('preflight', () => {
  it('lets a launch go on when all is there, and warns of emulation', async () => {
    await requireChecks(hostChecks, wanting())
    const found = await runChecks(hostChecks, context())
    expect(found.find(({ name }) => name === 'QEMU')?.detail).toContain('QEMU 8.2.1')
    expect(found.find(({ name }) => name === 'Virtualisation')).toMatchObject({
      status: 'warning',
      detail: 'tcg: CPU has neither vmx nor svm',
      hint: expect.stringContaining('Turn it on.'),
    })
  })

  it('names everything required that is missing, at once, with what to do', async () => {
    const bare = { ...parts, gvproxy: gone('Run set-up.'), kernel: gone('Run set-up.') }
    const noQemu: BackendProbe = { available: false, reason: 'too old', hint: 'Get QEMU.' }
    const nothing = context({ parts: bare }, { libkrun: noLibkrun, qemu: noQemu })
    const error = await requireChecks(hostChecks, nothing).catch((e: unknown) => e)
    expect(error).toMatchObject({
      code: 'PREFLIGHT_FAILED',
      message:
        'no backend can run machines here: libkrun: no KVM; QEMU: too old; the gvproxy is missing; the guest kernel is missing',
      hint: 'Get QEMU. Run set-up.',
    })
  })

  it('explains which backend is taken, and why the other is not', async () => {
    const explain = async (libkrun: BackendProbe) => {
      const found = await runChecks(hostChecks, context({}, { libkrun, qemu: qemuWorks }))
      const of = (name: string) => found.find((check) => check.name === name)?.detail
      return [of('Hypervisor'), of('libkrun'), of('QEMU')]
    }
    expect(await explain(noLibkrun)).toEqual([
      'machines run on QEMU',
      'not used: no KVM',
      'QEMU 8.2.1 at /usr/bin/qemu',
    ])
    expect(await explain(krunWorks)).toEqual([
      'machines run on libkrun',
      'libkrun in /lib',
      'QEMU 8.2.1 at /usr/bin/qemu, in reserve',
    ])
  })

  it('refuses a machine whose own choice cannot work here', async () => {
    const asked = context({}, { libkrun: noLibkrun, qemu: qemuWorks }, 'libkrun')
    await expect(requireChecks(hostChecks, asked)).rejects.toMatchObject({
      code: 'PREFLIGHT_FAILED',
      message: 'libkrun cannot run machines here: no KVM',
      hint: 'Load it. Or leave the backend to the app.',
    })
  })

  it('refuses more CPUs than the backend gives a machine', async () => {
    const wanted = { cpus: 12, memoryMib: 128, ports: [] }
    const asked = context({ wanted }, { libkrun: krunWorks, qemu: qemuWorks })
    await expect(requireChecks(hostChecks, asked)).rejects.toThrow(
      '12 CPUs asked for, libkrun gives a machine at most 8 here',
    )
  })

  it('needs no kernel of ours for libkrun, which can take libkrunfw’s', async () => {
    const bare = { parts: { ...parts, kernel: gone('Run set-up.') } }
    await requireChecks(hostChecks, context(bare, { libkrun: krunWorks, qemu: qemuWorks }))
    await expect(requireChecks(hostChecks, context(bare))).rejects.toThrow('guest kernel')
  })

  it('tries a user namespace only when runners shall have one', async () => {
    const names = async (userNamespace: boolean) =>
      (await runChecks(hostChecks, context({ userNamespace }))).map(({ name }) => name)
    expect(await names(false)).not.toContain('User namespace')
    expect(await names(true)).toContain('User namespace')
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
    const wanted = { cpus: 4096, memoryMib: 128, ports: [] }
    const many = { libkrun: noLibkrun, qemu: { ...qemuWorks, maxCpus: 4096 } }
    await requireChecks(hostChecks, context({ wanted }, many))
    const found = await runChecks(hostChecks, context({ wanted }, many))
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
    const bare = context({ parts: { ...parts, gvproxy: gone('Run set-up.') } })
    const fine: PreflightCheck = {
      name: 'Network',
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
