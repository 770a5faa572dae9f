// SPDX-License-Identifier: Apache-2.0
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createQemuBackend } from '../../../../src/main/hypervisor/qemu/qemu-backend'
import { silentLogger } from '../../../../src/main/lib/logger'
import type { Part, Parts } from '../../../../src/main/lib/parts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'microvm-backend-'))
})
afterEach(() => rm(dir, { recursive: true }))

const missing: Part = { found: false, hint: 'install it' }
const at = (path: string): Part => ({ found: true, path, from: 'system' })

/** A QEMU that tells its version, fails any trial, and notes each call. */
async function fakeQemu(version: string, sandbox = true): Promise<Part> {
  const path = join(dir, 'qemu')
  await writeFile(
    path,
    `#!/bin/sh
echo "$1" >> ${dir}/calls
${sandbox ? '[ "$1" = -sandbox ] && shift 2' : ''}
[ "$1" = --version ] && echo 'QEMU emulator version ${version}' && exit
echo 'no luck' >&2; exit 1
`,
  )
  await chmod(path, 0o755)
  return at(path)
}

async function backendWith(parts: Partial<Parts>) {
  await writeFile(join(dir, 'kernel'), '')
  const all: Parts = {
    qemu: missing,
    libkrun: missing,
    virtiofsd: missing,
    gvproxy: missing,
    kernel: at(join(dir, 'kernel')),
    guest: missing,
    starter: missing,
    ...parts,
  }
  return () =>
    createQemuBackend({ parts: async () => all, cacheDir: join(dir, 'data'), logger: silentLogger })
}
const versionCalls = async (): Promise<number> =>
  (await readFile(join(dir, 'calls'), 'utf8').catch(() => '')).split('--version').length - 1

describe('the QEMU backend', () => {
  it('is available, with the accelerator that works and why', async () => {
    const make = await backendWith({ qemu: await fakeQemu('8.2.1') })
    const probe = await make().probe()
    expect(probe).toMatchObject({
      available: true,
      choice: { name: 'qemu', accelerator: 'tcg' },
      rootfs: 'disk',
      maxCpus: 16,
    })
    expect(probe.available && probe.choice.reason).toMatch(/^no hardware virtualisation: /)
    expect(probe.available && probe.detail).toBe(`QEMU 8.2.1 at ${join(dir, 'qemu')}`)
  })

  it('asks QEMU once, however many processes ask the backend', async () => {
    const make = await backendWith({ qemu: await fakeQemu('8.2.1') })
    const first = make()
    await Promise.all([first.probe(), first.probe()])
    await make().probe()
    expect(await versionCalls()).toBe(1)
  })

  it('asks again when QEMU is another one, or the remembered answer is no answer', async () => {
    const make = await backendWith({ qemu: await fakeQemu('8.2.1') })
    await make().probe()
    await fakeQemu('9.0.0-longer')
    expect(await make().probe()).toMatchObject({ detail: expect.stringContaining('9.0.0') })
    await writeFile(join(dir, 'data', 'qemu-probe.json'), '{"key":')
    await make().probe()
    expect(await versionCalls()).toBe(3)
  })

  it('is not available without a part, or with an old QEMU, and says what to do', async () => {
    expect(await (await backendWith({}))().probe()).toEqual({
      available: false,
      reason: 'QEMU is not installed',
      hint: 'install it',
    })
    const old = await backendWith({ qemu: await fakeQemu('6.2.0') })
    expect(await old().probe()).toMatchObject({
      available: false,
      reason: expect.stringContaining('too old'),
      hint: expect.stringContaining('apt-get install'),
    })
  })
})

describe('what the runner is told of QEMU', () => {
  it('is its program and kernel, and whether it can confine itself', async () => {
    const make = await backendWith({ qemu: await fakeQemu('8.2.1') })
    const told = {
      ...{ kind: 'qemu', executable: join(dir, 'qemu'), kernel: join(dir, 'kernel') },
      machine: process.arch === 'arm64' ? 'virt' : 'microvm',
    }
    expect(await make().prepare({ shares: false })).toEqual({
      ...told,
      sandbox: process.platform === 'linux',
    })
    const bare = await backendWith({ qemu: await fakeQemu('8.2.1', false) })
    expect(await bare().prepare({ shares: false })).toEqual({ ...told, sandbox: false })
  })

  it('names virtiofsd for a machine with shared folders, which cannot do without', async () => {
    const qemu = await fakeQemu('8.2.1')
    const make = await backendWith({ qemu, virtiofsd: at('/virtiofsd') })
    expect(await make().prepare({ shares: true })).toMatchObject({ virtiofsd: '/virtiofsd' })
    const without = await backendWith({ qemu })
    await expect(without().prepare({ shares: true })).rejects.toMatchObject({
      code: 'PREFLIGHT_FAILED',
      hint: 'install it',
    })
  })
})
