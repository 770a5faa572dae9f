// SPDX-License-Identifier: Apache-2.0
// Starting runners that are none: what the app is told. Real ones are in the integration tests.
import { chmod, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { RunnerConfigInput } from '../../../../src/contract/runner-config'
import { spawnRunner } from '../../../../src/main/hypervisor/spawn-runner'
import { identifyProcess } from '../../../../src/main/lib/process-identity'

let dir: string
let config: RunnerConfigInput
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'microvm-spawn-'))
  await mkdir(join(dir, 'vm'), { mode: 0o700 })
  config = {
    vmId: '0123456789ab',
    name: 'x',
    vmDir: join(dir, 'vm'),
    socketDir: join(dir, 'sockets'),
    backend: { name: 'qemu', accelerator: 'tcg', reason: '' },
    cpus: 1,
    memoryMib: 64,
    root: { kind: 'disk', image: '/i', vm: '/v', config: '/c' },
    vmm: { kind: 'qemu', executable: '/q', kernel: '/k' },
    gvproxy: '/g',
    ports: [],
    launch: { startedAt: 1234, timeline: [] },
  }
})
afterEach(() => rm(dir, { recursive: true }))

async function start(body: string, signal?: AbortSignal) {
  const script = join(dir, 'runner.mjs')
  await writeFile(script, body)
  return await spawnRunner(config, { script, ...(signal ? { signal } : {}) })
}

describe('a runner that ends at once', () => {
  it('is reported with the meaning of its exit code and the words of its log', async () => {
    const line = {
      level: 'error',
      message: 'refused',
      error: { code: 'X', message: 'no such key' },
    }
    const failed = start(
      `console.error(${JSON.stringify(JSON.stringify(line))}); console.error('plain'); process.exit(64)`,
    )
    await expect(failed).rejects.toMatchObject({
      code: 'RUNNER_FAILED',
      message: 'the runner ended with code 64 (config): refused: no such key; plain',
      hint: expect.stringContaining('runner.log'),
    })
  })

  it('is reported in its own words if it wrote them into state.json', async () => {
    const state = {
      version: 1,
      status: 'failed',
      startedAt: 1234,
      error: { code: 'PORT_IN_USE', message: 'host port 80', hint: 'another' },
    }
    const write = (value: object) =>
      `import { writeFileSync } from 'node:fs'
       writeFileSync(${JSON.stringify(join(dir, 'vm', 'state.json'))}, ${JSON.stringify(JSON.stringify(value))})
       process.exit(70)`
    await expect(start(write(state))).rejects.toMatchObject(state.error)
    // An earlier launch's state is none of this one's.
    await expect(start(write({ ...state, startedAt: 1 }))).rejects.toMatchObject({
      code: 'RUNNER_FAILED',
    })
  })

  it('is reported with the signal that killed it', async () => {
    await expect(start('process.kill(process.pid, "SIGKILL")')).rejects.toMatchObject({
      code: 'RUNNER_FAILED',
      message: expect.stringContaining('killed by SIGKILL'),
    })
  })
})

describe('a start', () => {
  const note = () => readFile(join(dir, 'vm', 'runner.log'), 'utf8').catch(() => '')

  it('that is cancelled ends the runner, even one that does not listen to TERM', async () => {
    const abort = new AbortController()
    const failed = start(
      'process.on("SIGTERM", () => {}); console.error(process.pid); setInterval(() => {}, 1000)',
      abort.signal,
    )
    while ((await note()) === '') await sleep(10)
    abort.abort()
    await expect(failed).rejects.toMatchObject({ code: 'CANCELLED' })
    expect(await identifyProcess(Number(await note()))).toBeUndefined()
  })

  it('gives the runner its configuration and little else', async () => {
    process.env['MICROVM_TEST_SECRET'] = 'hush'
    await start(
      'import { readFileSync } from "node:fs"; console.error(readFileSync(process.argv[2], "utf8"), process.env, process.cwd()); process.exit(1)',
    ).catch(() => undefined)
    delete process.env['MICROVM_TEST_SECRET']
    const log = await note()
    expect(log).toContain('"vmId": "0123456789ab"')
    expect(log).toContain('PATH')
    expect(log).not.toContain('hush')
    expect((await stat(join(dir, 'vm', 'runner.json'))).mode & 0o777).toBe(0o600)
  })

  it('makes a private folder for the sockets, and takes no other', async () => {
    await start('process.exit(1)').catch(() => undefined)
    expect((await stat(config.socketDir)).mode & 0o777).toBe(0o700)
    await chmod(config.socketDir, 0o755)
    await expect(start('')).rejects.toMatchObject({ code: 'PERMISSION_DENIED' })
    await rm(config.socketDir, { recursive: true })
    await symlink(join(dir, 'vm'), config.socketDir)
    await expect(start('')).rejects.toMatchObject({ code: 'PERMISSION_DENIED' })
  })

  it('begins the log anew when it has grown large', async () => {
    await writeFile(join(dir, 'vm', 'runner.log'), 'x'.repeat(1024 * 1024 + 1))
    await start('console.error("fresh"); process.exit(1)').catch(() => undefined)
    expect(await note()).toBe('fresh\n')
  })
})
