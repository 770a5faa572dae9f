// SPDX-License-Identifier: Apache-2.0
// The addon by itself: that it agrees with the real libkrun.h, that it touches no memory it should not,
// and what krun-vmm says of a library it is only asked about.
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { compileAddon } from '../../scripts/native/compile.mjs'
import { krunProbeSchema, type KrunProbe } from '../../src/contract/krun-probe'
import { entryPoint } from '../../src/main/lib/entry-points'
import {
  allCalls,
  compileAgainst,
  makeLibkrun,
  NEWEST,
  OLDEST,
  sanitizeLibkrun,
} from '../support/recording-libkrun'
import { support } from '../support/runner-fixture'

const run = promisify(execFile)
let home: string
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'microvm-addon-test-'))
})
afterAll(() => rm(home, { recursive: true, force: true }))

describe('the signatures', () => {
  it('are those of the real libkrun.h', async (context) => {
    const header = process.env['MICROVM_LIBKRUN_HEADER']
    if (!header) return context.skip('MICROVM_LIBKRUN_HEADER does not name the path of a libkrun.h')
    await compileAgainst(header)
  })

  it('do not pass for those of a header that differs', async () => {
    const other = join(home, 'libkrun.h')
    await writeFile(
      other,
      '#include <cstdint>\nextern "C" int32_t krun_set_vm_config(uint32_t, uint32_t, uint32_t);\n',
    )
    await expect(compileAgainst(other)).rejects.toThrow(/conflicting declaration/)
  })
})

describe('the addon, built with sanitizers', () => {
  it('touches nothing it should not, whatever it is given', async () => {
    const addon = join(home, 'krun.node')
    await compileAddon(addon, { sanitize: 'address,undefined' })
    const library = await makeLibkrun()
    await sanitizeLibkrun(library)
    const file = join(library.libDir, 'libkrun.so.1')
    const { stdout: asan } = await run('g++', ['-print-file-name=libasan.so'])
    const { stdout } = await run(process.execPath, [support('exercise-addon.mjs'), addon, file], {
      // What Node itself leaves behind at its end is not looked at.
      env: { ...process.env, LD_PRELOAD: asan.trim(), ASAN_OPTIONS: 'detect_leaks=0' },
      maxBuffer: 16 * 1024 * 1024,
    })
    const { path, calls, refused, others } = JSON.parse(stdout) as {
      path: string
      calls: Record<string, unknown>
      refused: unknown[]
      others: Record<string, unknown>
    }
    expect(path).toBe(file)
    expect(Object.keys(calls)).toHaveLength((await allCalls()).length - 1)
    expect(calls).toMatchObject({
      createContext: 0,
      addVirtioConsoleMultiport: 0,
      hasFeature: 1,
      getMaxVcpus: 8,
      setVmConfig: 'Error: krun_set_vm_config: EINVAL, Invalid argument',
      addConsolePortTty: expect.stringMatching(
        /^Error: krun_add_console_port_tty: ENOTTY, /,
      ) as string,
      startEnter: 'Error: krun_start_enter: ENOENT, No such file or directory',
    })
    expect(refused.length).toBeGreaterThan(500)
    expect(others).toEqual({
      noLibrary: 'Error: libkrun is not found',
      notConstructed: expect.stringContaining('TypeError') as string,
      strangeThis: expect.stringContaining('Error') as string,
      unknown: 'TypeError: no such method: nonsense',
      noTerminal: expect.stringMatching(/^Error: \w+: EBADF, /) as string,
      noDescriptor: expect.stringMatching(/^Error: dup2: EBADF, /) as string,
      written: 1,
    })
    const recorded = await library.calls()
    expect(recorded.find(({ call }) => call === 'krun_add_disk3')?.args[2]).toBe('/ä€𝄞')
    expect(recorded.find(({ call }) => call === 'krun_set_exec')?.args[3]).toHaveLength(1000)
    await library.dispose()
  })
})

describe('krun-vmm --probe', () => {
  const probe = async (...args: string[]): Promise<KrunProbe> => {
    const { stdout } = await run(process.execPath, [entryPoint('krun-vmm'), '--probe', ...args])
    return krunProbeSchema.parse(JSON.parse(stdout))
  }

  it.each([
    [NEWEST, { disks: true, ownKernel: true, remountRoot: true, readOnlyShares: true }, 8],
    [1.17, { disks: true, ownKernel: true, remountRoot: true, readOnlyShares: false }, 8],
    [1.16, { disks: false, ownKernel: false, remountRoot: true, readOnlyShares: false }, 8],
    [OLDEST, { disks: false, ownKernel: false, remountRoot: false, readOnlyShares: false }, 16],
  ])('says what libkrun %d can do', async (release, features, maxCpus) => {
    const library = await makeLibkrun(release)
    expect(await probe(library.libDir)).toEqual({
      loaded: true,
      library: join(library.libDir, 'libkrun.so.1'),
      features: { network: true, ...features },
      maxCpus,
    })
    expect((await library.calls()).map(({ call }) => call)).not.toContain('krun_create_ctx')
    await library.dispose()
  })

  it('says why a library cannot be loaded', async () => {
    expect(await probe(home)).toMatchObject({
      loaded: false,
      error: {
        code: 'HYPERVISOR_FAILED',
        message: expect.stringContaining(`${home}/libkrun.so.1`) as string,
      },
    })
  })
})

describe('krun-vmm without a runner', () => {
  it.each([
    [[], /usage: krun-vmm RUNNER_JSON/],
    [['/nowhere/runner.json'], /ENOENT/],
  ])('refuses arguments %j with the exit code for that', async (args, message) => {
    await expect(run(process.execPath, [entryPoint('krun-vmm'), ...args])).rejects.toMatchObject({
      code: 64,
      stderr: expect.stringMatching(message) as string,
    })
  })
})
