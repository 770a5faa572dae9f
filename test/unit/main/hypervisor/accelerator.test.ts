// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { chooseAccelerator } from '../../../../src/main/hypervisor/qemu/accelerator'
import { judgeVersion } from '../../../../src/main/hypervisor/qemu/qemu-backend'

describe('the choice of an accelerator', () => {
  const works = async (): Promise<undefined> => undefined

  it('is hardware virtualisation where a guest really ran under it', async () => {
    expect(
      await chooseAccelerator({ platform: 'linux', obstacle: undefined }, works),
    ).toMatchObject({
      accelerator: 'kvm',
    })
    expect(
      await chooseAccelerator({ platform: 'darwin', obstacle: undefined }, works),
    ).toMatchObject({ accelerator: 'hvf' })
  })

  it('is emulation where the trial failed, and says why', async () => {
    const choice = await chooseAccelerator(
      { platform: 'linux', obstacle: undefined },
      async () => 'kvm fails: failed to set MSR 0x10a',
    )
    expect(choice.accelerator).toBe('tcg')
    expect(choice.reason).toContain('failed to set MSR 0x10a')
  })

  it('does not even try where it cannot work, and passes on what would help', async () => {
    const obstacle = { reason: 'the CPU has neither vmx nor svm', hint: 'Turn it on.' }
    const choice = await chooseAccelerator({ platform: 'linux', obstacle }, () =>
      Promise.reject(new Error('tried')),
    )
    expect(choice).toEqual({
      accelerator: 'tcg',
      reason: 'no hardware virtualisation: the CPU has neither vmx nor svm',
      hint: 'Turn it on.',
    })
  })
})

describe('the version of QEMU', () => {
  it.each(['7.2.22', '7.2', '7.10.0', '8.0.1', '10.0.0'])('%s will do', (text) => {
    expect(judgeVersion(`QEMU emulator version ${text} (Debian 1:7)\n`, '/q')).toEqual({
      found: true,
      text,
    })
  })
  it.each(['7.1.0', '6.2.0', '5.2'])('%s is too old', (text) => {
    expect(judgeVersion(`QEMU emulator version ${text}\n`, '/q')).toEqual({
      found: false,
      reason: `QEMU ${text} at /q is too old`,
    })
  })
  it('of something else is none', () => {
    expect(judgeVersion('GNU bash, version five\n', '/q').found).toBe(false)
  })
})
