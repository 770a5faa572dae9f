// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MicrovmError } from '../../../../src/contract/errors'
import { runCli } from '../../../../src/main/cli/program'
import { ensureKeys } from '../../../../src/main/ssh/keys'
import { startFakeGuest, type FakeGuest } from '../ssh/fake-guest'
import { fakeEngine, type FakeEngine } from './fake-engine'
import { fakeTerminal } from './fake-terminal'

let dir: string
let guest: FakeGuest
let engine: FakeEngine

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'microvm-cli-'))
  const keys = await ensureKeys(join(dir, 'keys'), join(dir, 'known_hosts'))
  guest = await startFakeGuest(join(dir, 'ssh.sock'), keys)
  engine = fakeEngine(guest, keys)
})
afterEach(async () => {
  await guest.stop()
  await rm(dir, { recursive: true })
})

async function microvm(args: string[], { stdin = '', terminal = fakeTerminal() } = {}) {
  terminal.stdin.end(stdin)
  const code = await runCli(args, terminal, async () => engine)
  return { code, out: terminal.out, err: terminal.err }
}

describe('microvm run IMAGE -- CMD', () => {
  it('prints the command’s output only, returns its code, and leaves the machine stopped', async () => {
    const result = await microvm(['run', 'starter', '--', 'sh', '-c', 'echo hi; exit 3'])
    expect(result).toEqual({ code: 3, out: 'hi\n', err: 'Pulling it\n' })
    expect(engine.log).toEqual([
      'create brave-otter',
      'start brave-otter',
      'stop brave-otter',
      'close',
    ])
    expect([...engine.vms.values()][0]!.spec.command).toEqual([])
  })

  it('passes every argument exactly', async () => {
    const words = ['two words', "it's", '$HOME', '', '--rm', '\\', '*']
    const { out } = await microvm(['run', '-q', 'starter', '--', 'printf', '%s|', ...words])
    expect(out).toBe(words.map((word) => `${word}|`).join(''))
  })

  it('deletes the machine with --rm, whatever the command says', async () => {
    expect((await microvm(['run', 'starter', '--rm', '--', 'false'])).code).toBe(1)
    expect(engine.log).toEqual([
      'create brave-otter',
      'start brave-otter',
      'remove brave-otter',
      'close',
    ])
  })

  it('hands stdin to the command', async () => {
    expect((await microvm(['run', 'starter', '--', 'cat'], { stdin: 'typed' })).out).toBe('typed')
  })

  it('keeps output and code in one document with --json', async () => {
    const { out, code } = await microvm([
      'run', 'starter', '--json', '--', 'sh', '-c', 'echo a; echo b >&2; exit 4',
    ]) // prettier-ignore
    expect(code).toBe(4)
    expect(JSON.parse(out)).toEqual({
      machine: 'brave-otter',
      exitCode: 4,
      stdout: 'a\n',
      stderr: 'b\n',
    })
  })

  it('makes the machine that the options describe', async () => {
    await microvm([
      'run', 'starter', '--name', 'web', '--cpus', '2', '--memory', '1G', '--disk', '20G',
      '--port', '8080:80', '--port', '443', '--env', 'A=1', '--env', 'TERM', '--backend', 'qemu', '--', 'true',
    ]) // prettier-ignore
    expect([...engine.vms.values()][0]!.spec).toMatchObject({
      name: 'web',
      cpus: 2,
      memoryMib: 1024,
      diskMib: 20_480,
      ports: [
        { host: 8080, guest: 80 },
        { host: 0, guest: 443 },
      ],
      env: { A: '1', TERM: 'xterm' },
      backend: 'qemu',
    })
  })
})

describe('microvm run IMAGE', () => {
  it('opens a shell, leaves the machine running and says how to get back', async () => {
    const { code, out, err } = await microvm(['run', 'starter'], {
      stdin: 'echo from a script; exit 6',
    })
    expect({ code, out }).toEqual({ code: 6, out: 'from a script\n' })
    expect(err).toContain('brave-otter keeps running')
    expect(engine.log).toEqual(['create brave-otter', 'start brave-otter', 'close'])
    expect([...engine.vms.values()][0]!.spec.command).toBeUndefined()
  })

  it('with --detach prints the name, and the command is the machine’s own', async () => {
    const { code, out } = await microvm(['run', '-d', 'nginx', '--', 'nginx', '-g', 'x'])
    expect({ code, out }).toEqual({ code: 0, out: 'brave-otter\n' })
    expect([...engine.vms.values()][0]!.spec.command).toEqual(['nginx', '-g', 'x'])
    expect(engine.log).not.toContain('stop brave-otter')
  })

  it('shows the console of a machine that was over before a shell could be had', async () => {
    engine.overrides.start = async (id) => {
      const vm = await engine.machines.get(id)
      return { ...vm, state: { ...vm.state, status: 'stopped', exitCode: 7 } }
    }
    expect(await microvm(['run', '--rm', 'hello'])).toMatchObject({
      code: 7,
      out: 'console text\n',
    })
    expect(engine.log).toContain('remove brave-otter')
  })
})

describe('a launch that does not succeed', () => {
  it('says why, ends with 125, and leaves no machine that never came to a runner', async () => {
    engine.overrides.start = () =>
      Promise.reject(new MicrovmError('IMAGE_NOT_FOUND', 'no such image', { hint: 'Look again.' }))
    const { code, err } = await microvm(['run', 'nope', '--', 'true'])
    expect(code).toBe(125)
    expect(err).toContain('microvm: no such image\nLook again.\n')
    expect(engine.vms.size).toBe(0)
  })

  it('keeps a machine that has a log to look at, and says so', async () => {
    engine.overrides.start = (id) => {
      const vm = engine.vms.get(id)!
      const timeline = [{ name: 'image', at: 10 }]
      engine.vms.set(id, { ...vm, state: { ...vm.state, timeline } })
      return Promise.reject(new MicrovmError('GUEST_BOOT_FAILED', 'it did not come up'))
    }
    const { code, err } = await microvm(['run', 'nope', '--', 'true'])
    expect(code).toBe(125)
    expect(err).toContain('The machine is kept')
    expect(engine.vms.size).toBe(1)
  })

  it('leaves nothing with --rm', async () => {
    engine.overrides.start = () => Promise.reject(new MicrovmError('IMAGE_NOT_FOUND', 'no'))
    await microvm(['run', '--rm', 'nope', '--', 'true'])
    expect(engine.vms.size).toBe(0)
  })

  it('is cancelled with Ctrl-C: nothing is left, the code says so', async () => {
    const terminal = fakeTerminal()
    engine.overrides.start = (_id, options) =>
      new Promise((_resolve, reject) => {
        options!.signal!.addEventListener('abort', () => reject(options!.signal!.reason as Error))
        terminal.emit('SIGINT', 'SIGINT')
      })
    const { code, err } = await microvm(['run', 'starter', '--', 'true'], { terminal })
    expect(code).toBe(130)
    expect(err).toBe('Cancelled.\n')
    expect(engine.vms.size).toBe(0)
    expect(terminal.listenerCount('SIGINT')).toBe(0)
  })
})

describe('other commands', () => {
  beforeEach(async () => {
    await microvm(['create', '--name', 'web', 'starter'])
  })

  it('refuse to open a shell in a machine that is off, with what to do', async () => {
    const { code, err } = await microvm(['exec', 'web', '--', 'true'])
    expect(code).toBe(125)
    expect(err).toBe('microvm: web is not running\nStart it: microvm start web\n')
  })

  it('run a command in one that runs', async () => {
    await microvm(['start', 'web'])
    expect(await microvm(['exec', 'web', '--', 'sh', '-c', 'echo in; exit 2'])).toMatchObject({
      code: 2,
      out: 'in\n',
    })
    expect((await microvm(['shell', 'web'], { stdin: 'echo shell' })).out).toBe('shell\n')
  })

  it('list machines for people and for programs', async () => {
    const { out } = await microvm(['ls'])
    expect(out).toMatch(/^NAME +STATUS.*\nweb +stopped +starter +1 +512 MiB/)
    const listed = JSON.parse((await microvm(['ls', '--json'])).out) as { id: string }[]
    expect(listed.map(({ id }) => id)).toEqual([...engine.vms.keys()])
  })

  it('delete a running machine only when forced', async () => {
    await microvm(['start', 'web'])
    const refused = await microvm(['rm', 'web', '--json'])
    expect(refused.code).toBe(125)
    expect(JSON.parse(refused.err)).toMatchObject({ code: 'CONFLICT', message: 'web is running' })
    expect(await microvm(['rm', '--force', 'web'])).toMatchObject({ code: 0, out: 'web\n' })
    expect(engine.vms.size).toBe(0)
  })

  it('add, list and remove ports', async () => {
    await microvm(['ports', 'web', '--add', '8080:80', '--add', '8443:443'])
    const { out } = await microvm(['ports', 'web', '--remove', '8080:80'])
    expect(out).toBe('127.0.0.1:8443 → 443\n')
    const wrong = await microvm(['ports', 'web', '--remove', '1:2'])
    expect(wrong.err).toContain('It has: 127.0.0.1:8443 → 443.')
  })

  it('print the console log', async () => {
    expect((await microvm(['logs', 'web'])).out).toBe('console text\n')
    const { out } = await microvm(['logs', 'web', '--json'])
    expect(JSON.parse(out)).toEqual({ machine: 'web', log: 'console text\n' })
  })

  it('say with their code that the doctor found something missing', async () => {
    const { code, out } = await microvm(['doctor'])
    expect(code).toBe(1)
    expect(out).toContain('FAIL  QEMU: missing')
  })
})

describe('a wrong command line', () => {
  it.each([
    [['lss'], "unknown command 'lss'", 'microvm --help'],
    [['run'], "missing required argument 'image'", 'microvm run --help'],
    [['run', 'starter', 'uname', '-r'], "unknown option '-r'", 'go after --'],
    [['run', 'starter', '--memory', 'lots'], '--memory is not a size: "lots"', '512, 2048M, 1G'],
    [['run', 'starter', '--port', 'x'], 'not a port forward: "x"', 'HOST:GUEST'],
    [['run', 'starter', '--name', 'Not A Name'], '--name: use 1 to 63', 'microvm run --help'],
    [
      ['run', 'starter', '--memory', '1'],
      '--memory: must be a whole number from 64',
      'microvm run --help',
    ],
    [
      ['run', 'starter', '--cpus', '99'],
      '--cpus: must be a whole number from 1 to 16 CPUs',
      'microvm run --help',
    ],
    [
      ['run', 'starter', '--backend', 'xen'],
      '--backend: must be libkrun or qemu',
      'microvm run --help',
    ],
    [['logs', '-f', '--json', 'x'], 'exclude each other', 'Leave one'],
  ])('%j ends with 2 and says what would be right', async (args, message, hint) => {
    if (args[0] === 'logs') await microvm(['create', '--name', 'x', 'starter'])
    const { code, out, err } = await microvm(args)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toContain(message)
    expect(err).toContain(hint)
    const json = await microvm([args[0]!, '--json', ...args.slice(1)])
    if (args[0] !== 'lss') expect(JSON.parse(json.err)).toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  it('shows the help when there is nothing at all, and when it is asked for', async () => {
    const nothing = await microvm([])
    expect(nothing.code).toBe(2)
    expect(nothing.err).toContain('Usage: microvm')
    const help = await microvm(['run', '--help'])
    expect(help.code).toBe(0)
    expect(help.out).toContain('Examples:')
    expect(engine.log).toEqual([])
  })
})
