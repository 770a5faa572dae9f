// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { judgeEnd, type BootFacts, type VmmEnd } from '../../../../native-runner/runner/boot-end'

const fresh: BootFacts = {
  vmmStarted: true,
  hello: false,
  mounted: false,
  ready: false,
  lastStage: 'none',
  stopRequested: false,
}
const up: BootFacts = { ...fresh, hello: true, mounted: true, ready: true, lastStage: 'sshd-ready' }
const quiet: VmmEnd = {
  exit: { code: 0, signal: null },
  reason: 'reset',
  description: 'QEMU exited with code 0',
  consoleTail: '',
  memoryMib: 512,
}

describe('the end of a machine', () => {
  it('is fine when we asked for it, however the VMM went', () => {
    const facts = { ...up, stopRequested: true }
    expect(judgeEnd(facts, quiet)).toEqual({ next: 'end', runnerExitCode: 0 })
    const killed = { ...quiet, exit: { code: null, signal: 'SIGKILL' as const } }
    expect(judgeEnd({ ...facts, exitCode: 143 }, killed)).toEqual({
      next: 'end',
      runnerExitCode: 0,
      exitCode: 143,
    })
  })

  it('is fine when someone inside powered off, or the entrypoint returned 0', () => {
    expect(judgeEnd({ ...up, shutdown: 'poweroff' }, quiet)).toEqual({
      next: 'end',
      runnerExitCode: 0,
    })
    expect(judgeEnd({ ...up, exitCode: 0, shutdown: 'entrypoint' }, quiet)).toEqual({
      next: 'end',
      runnerExitCode: 0,
      exitCode: 0,
    })
  })

  it('is what someone inside asked for, although the entrypoint had to be ended for it', () => {
    expect(judgeEnd({ ...up, exitCode: 143, shutdown: 'reboot' }, quiet)).toEqual({
      next: 'reboot',
    })
    expect(judgeEnd({ ...up, exitCode: 143, shutdown: 'poweroff' }, quiet)).toEqual({
      next: 'end',
      runnerExitCode: 0,
      exitCode: 143,
    })
  })

  it('is another boot when the guest said reboot, or reset a healthy machine', () => {
    expect(judgeEnd({ ...up, shutdown: 'reboot' }, quiet)).toEqual({ next: 'reboot' })
    expect(judgeEnd(up, quiet)).toEqual({ next: 'reboot' })
  })

  it('is no other boot when we asked it to stop meanwhile', () => {
    const facts = { ...up, shutdown: 'reboot' as const, stopRequested: true }
    expect(judgeEnd(facts, quiet)).toMatchObject({ next: 'end', runnerExitCode: 0 })
  })

  it('names the exit code of a failed entrypoint', () => {
    expect(judgeEnd({ ...up, exitCode: 3, shutdown: 'entrypoint' }, quiet)).toMatchObject({
      runnerExitCode: 0,
      exitCode: 3,
      error: { code: 'ENTRYPOINT_FAILED', message: 'entrypoint exited 3' },
    })
  })

  it('says what is wrong with an entrypoint that could not start', () => {
    const facts = { ...up, entrypointFailure: { code: 127, message: '/bin/nope: not found' } }
    expect(judgeEnd(facts, quiet)).toMatchObject({
      runnerExitCode: 0,
      exitCode: 127,
      error: { code: 'ENTRYPOINT_FAILED', message: 'entrypoint: /bin/nope: not found' },
    })
  })

  it('repeats why init gave up', () => {
    const facts = { ...fresh, hello: true, fatal: 'no /dev/vdb', shutdown: 'fatal' as const }
    expect(judgeEnd(facts, quiet)).toMatchObject({
      runnerExitCode: 71,
      error: { code: 'GUEST_BOOT_FAILED', message: expect.stringContaining('no /dev/vdb') },
    })
    expect(judgeEnd({ ...fresh, shutdown: 'fatal' }, quiet)).toMatchObject({
      error: { code: 'GUEST_BOOT_FAILED' },
    })
  })
})

describe('a guest that did not come up', () => {
  it('is told with the end of its console', () => {
    const consoleTail = 'one\ntwo\nthree\n\nKernel panic - not syncing: VFS\n'
    expect(judgeEnd(fresh, { ...quiet, consoleTail })).toMatchObject({
      runnerExitCode: 71,
      error: {
        code: 'GUEST_BOOT_FAILED',
        message: expect.stringContaining('two | three | Kernel panic - not syncing: VFS'),
      },
    })
  })

  it('is told to have too little memory when it has', () => {
    expect(judgeEnd(fresh, { ...quiet, memoryMib: 32 })).toMatchObject({
      error: { hint: expect.stringContaining('32 MiB') },
    })
    expect(judgeEnd(fresh, quiet)).toMatchObject({
      error: { hint: expect.not.stringContaining('MiB') },
    })
  })

  it('is told to have been silent', () => {
    const facts: BootFacts = {
      ...fresh,
      lastStage: 'kernel',
      abortedBy: { cause: 'silence', reason: 'no word from the guest for 60 s' },
    }
    const killed = { ...quiet, exit: { code: null, signal: 'SIGKILL' as const } }
    expect(judgeEnd(facts, killed)).toMatchObject({
      runnerExitCode: 71,
      error: {
        code: 'GUEST_BOOT_FAILED',
        message: expect.stringMatching(/no word.*60 s.*last stage: kernel/),
      },
    })
  })
})

describe('a VMM that died', () => {
  it('before the guest ran, was unable to start', () => {
    const end: VmmEnd = {
      ...quiet,
      exit: { code: 1, signal: null },
      reason: undefined,
      description: 'QEMU exited with code 1: cannot set up guest memory',
    }
    expect(judgeEnd({ ...fresh, vmmStarted: false }, end)).toMatchObject({
      runnerExitCode: 71,
      error: {
        code: 'HYPERVISOR_FAILED',
        message: 'QEMU exited with code 1: cannot set up guest memory',
        hint: expect.stringContaining('512 MiB'),
      },
    })
  })

  it('while the guest ran, names the signal', () => {
    const end: VmmEnd = {
      ...quiet,
      exit: { code: null, signal: 'SIGKILL' },
      reason: undefined,
      description: 'QEMU was killed by SIGKILL',
    }
    expect(judgeEnd(up, end)).toMatchObject({
      runnerExitCode: 69,
      error: { code: 'HYPERVISOR_FAILED', message: 'QEMU was killed by SIGKILL' },
    })
  })

  it('ended by a signal is a failure even with exit code 0', () => {
    expect(judgeEnd(up, { ...quiet, reason: 'signal' })).toMatchObject({
      runnerExitCode: 69,
      error: { code: 'HYPERVISOR_FAILED' },
    })
  })

  it('after a kernel panic of the running guest, says so', () => {
    const consoleTail = '[ 9.1] Kernel panic - not syncing: Fatal exception in interrupt\n'
    expect(judgeEnd(up, { ...quiet, consoleTail })).toMatchObject({
      error: { message: "the guest's kernel panicked: Fatal exception in interrupt" },
    })
  })

  it('because its network died, blames the network', () => {
    const killed = { ...quiet, exit: { code: null, signal: 'SIGKILL' as const } }
    const abortedBy = { cause: 'network' as const, reason: 'gvproxy was killed by SIGKILL' }
    expect(judgeEnd({ ...up, abortedBy }, killed)).toMatchObject({
      runnerExitCode: 69,
      error: { code: 'NETWORK_FAILED', message: expect.stringContaining('gvproxy was killed') },
    })
    expect(judgeEnd({ ...fresh, abortedBy }, killed)).toMatchObject({ runnerExitCode: 70 })
  })
})
