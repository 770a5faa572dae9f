// SPDX-License-Identifier: Apache-2.0
// What a machine keeps, how it ends, and how it ends badly.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { VmView } from '../../src/contract/ipc'
import { makeCli, type Cli } from '../support/cli'
import { deriveImage } from '../support/derived-image'

let cli: Cli
let scratch: string
beforeAll(async () => {
  cli = await makeCli()
  scratch = await mkdtemp(join(tmpdir(), 'lifecycle-'))
})
afterAll(async () => {
  await cli.dispose()
  await rm(scratch, { recursive: true })
})

const inGuest = async (name: string, script: string) =>
  await cli.ok(['exec', name, '--', 'sh', '-c', script])

async function view(name: string): Promise<VmView> {
  const machines = await cli.json<VmView[]>(['ls'])
  const found = machines.find((machine) => machine.spec.name === name)
  if (!found) throw new Error(`no machine ${name}`)
  return found
}

async function until(name: string, wanted: (machine: VmView) => boolean): Promise<VmView> {
  for (let tries = 0; tries < 300; tries++) {
    const machine = await view(name)
    if (wanted(machine)) return machine
    await sleep(200)
  }
  throw new Error(`${name} is still ${JSON.stringify((await view(name)).state)}`)
}

async function importVariant(tag: string, change: Parameters<typeof deriveImage>[2]) {
  const layout = await deriveImage(join(scratch, tag), tag, change)
  return await cli.run(['import', layout, '--name', tag])
}

describe('two machines of one image', () => {
  it('run at once, and each has a disk of its own that outlives a stop', async () => {
    await Promise.all(
      ['one', 'two'].map((name) => cli.ok(['run', '--detach', '--name', name, 'starter'])),
    )
    await Promise.all(['one', 'two'].map((name) => inGuest(name, `echo ${name} > /root/mine`)))
    await cli.ok(['stop', 'one'])
    await cli.ok(['start', 'one'])
    expect(await inGuest('one', 'cat /root/mine')).toBe('one\n')
    expect(await inGuest('two', 'cat /root/mine')).toBe('two\n')
  })

  it('come back after `reboot` inside, with a new boot and the same disk', async () => {
    const bootId = 'cat /proc/sys/kernel/random/boot_id'
    const before = await inGuest('one', bootId)
    await cli.run(['exec', 'one', '--', 'reboot'])
    let after = before
    for (let tries = 0; after === before && tries < 100; tries++) {
      await sleep(200)
      const answer = await cli.run(['exec', 'one', '--', 'sh', '-c', bootId])
      if (answer.code === 0) after = answer.stdout
    }
    expect(after).not.toBe(before)
    expect(await inGuest('one', 'cat /root/mine')).toBe('one\n')
  })

  it('are off after `poweroff` inside', async () => {
    await cli.run(['exec', 'two', '--', 'poweroff'])
    const { state } = await until(
      'two',
      (machine) => machine.state.status !== 'running' && machine.state.status !== 'stopping',
    )
    expect(state).toMatchObject({ status: 'stopped' })
    expect(state.error).toBeUndefined()
  })

  it('can be stopped by force', async () => {
    await cli.ok(['stop', '--force', 'one'])
    expect((await view('one')).state.status).toBe('stopped')
  })
})

describe('the image’s entrypoint', () => {
  it('ends the machine, and a code other than 0 is told', async () => {
    expect(
      (await importVariant('exits', { config: { Cmd: ['sh', '-c', 'sleep 1; exit 7'] } })).code,
    ).toBe(0)
    await cli.run(['run', '--detach', '--name', 'exits', 'exits'])
    const { state } = await until('exits', (machine) => machine.state.stoppedAt !== undefined)
    expect(state).toMatchObject({
      status: 'failed',
      exitCode: 7,
      error: { code: 'ENTRYPOINT_FAILED', message: expect.stringContaining('7') },
    })
  })

  it('that is missing is named', async () => {
    await importVariant('missing', { config: { Entrypoint: ['/opt/no-such-program'] } })
    await cli.run(['run', '--detach', '--name', 'missing', 'missing'])
    const { state } = await until('missing', (machine) => machine.state.stoppedAt !== undefined)
    expect(state).toMatchObject({
      status: 'failed',
      exitCode: 127,
      error: {
        code: 'ENTRYPOINT_FAILED',
        message: expect.stringContaining('/opt/no-such-program'),
      },
    })
  })

  it('gets TERM when the machine is stopped, and time to end', async () => {
    const script = 'trap "echo leaving > /root/left; exit 0" TERM; while :; do sleep 0.1; done'
    await importVariant('polite', { config: { Cmd: ['sh', '-c', script] } })
    await cli.ok(['run', '--detach', '--name', 'polite', 'polite'])
    await cli.ok(['stop', 'polite'])
    expect((await view('polite')).state).toMatchObject({ status: 'stopped' })
    await cli.ok(['start', 'polite'])
    expect(await inGuest('polite', 'cat /root/left')).toBe('leaving\n')
    await cli.ok(['stop', 'polite'])
  })

  it('runs as the image’s user, in its folder, with its environment, on the console', async () => {
    const script = 'echo "$(id -u):$(id -g) $(pwd) $COLOUR tty=$(tty)"; sleep 1000'
    await importVariant('dressed', {
      config: {
        Cmd: ['sh', '-c', script],
        User: '1234:5678',
        WorkingDir: '/srv/made/for/it',
        Env: ['PATH=/bin:/usr/bin', 'COLOUR=green'],
      },
    })
    await cli.ok(['run', '--detach', '--name', 'dressed', 'dressed'])
    await sleep(1000)
    expect(await cli.ok(['logs', 'dressed'])).toMatch(
      /1234:5678 \/srv\/made\/for\/it green tty=\/dev\/\w+/,
    )
    await cli.ok(['stop', '--force', 'dressed'])
  })
})

describe('a machine that cannot be', () => {
  it('for an image of another architecture, which is named', async () => {
    const architecture = process.arch === 'arm64' ? 'amd64' : 'arm64'
    const result = await importVariant('foreign', { architecture })
    expect(result.code).not.toBe(0)
    expect(result.stderr).toContain(architecture)
  })

  it('for too little memory, which the message says', async () => {
    const result = await cli.run(['run', '--rm', '--memory', '64', 'starter', '--', 'true'])
    if (result.code !== 0) expect(result.stderr).toMatch(/memory/i)
    expect(result.stderr).not.toMatch(/INTERNAL/)
  })
})
