// SPDX-License-Identifier: Apache-2.0
// The command line from an empty data directory to a command's output in a real guest.
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeCli, type Cli } from '../support/cli'

let cli: Cli
beforeAll(async () => {
  cli = await makeCli()
})
afterAll(() => cli.dispose())

const inGuest = async (script: string): Promise<string> =>
  await cli.ok(['exec', 'shaped', '--', 'sh', '-c', script])

describe('microvm run starter -- COMMAND', () => {
  it('prints only the command’s output, from an empty data directory', async () => {
    const result = await cli.run(['run', 'starter', '--name', 'first', '--', 'uname', '-r'])
    expect(result).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\S*\n$/) })
    expect(result.stderr).not.toBe('')
  })

  it('keeps the machine, stopped, unless told to remove it', async () => {
    const machines = await cli.json<{ spec: { name: string }; state: { status: string } }[]>(['ls'])
    expect(machines.map(({ spec, state }) => [spec.name, state.status])).toEqual([
      ['first', 'stopped'],
    ])
    await cli.ok(['run', 'starter', '--rm', '--name', 'passing', '--', 'true'])
    expect(await cli.ok(['ls'])).not.toContain('passing')
  })

  it('ends with the exit code of the command', async () => {
    const { code } = await cli.run(['run', '--rm', 'starter', '--', 'sh', '-c', 'exit 42'])
    expect(code).toBe(42)
  })

  it('passes standard input, arguments byte for byte, and environment', async () => {
    const words = ['a b', "it's", '"$HOME"', '', '*', 'ünï', 'new\nline']
    const script = 'cat; printf "%s|" "$@" "$COLOUR"'
    const args = ['run', '--rm', '--env', 'COLOUR=deep blue', 'starter', '--']
    const stdout = await cli.ok([...args, 'sh', '-c', script, 'sh', ...words], { stdin: 'input\n' })
    expect(stdout).toBe(`input\n${[...words, 'deep blue'].join('|')}|`)
  })

  it('carries binary output both ways without changing a byte', async () => {
    const { stdout } = await cli.run(
      ['run', '--rm', 'starter', '--', 'sh', '-c', 'head -c 5000000 /dev/zero | wc -c'],
      {},
    )
    expect(stdout.trim()).toBe('5000000')
  })
})

describe('a running machine', () => {
  it('is a machine of its own kind: name, processors, memory and disk as asked', async () => {
    const options = ['--name', 'shaped', '--cpus', '2', '--memory', '384', '--disk', '3G']
    await cli.ok(['run', '--detach', ...options, 'starter'])
    const report = await inGuest(
      'hostname; nproc; awk "/MemTotal/ {print \\$2}" /proc/meminfo; df -k / | tail -1',
    )
    const [hostname, processors, memoryKib, disk] = report.trim().split('\n')
    expect(hostname).toBe('shaped')
    expect(processors).toBe('2')
    expect(Number(memoryKib)).toBeGreaterThan(300 * 1024)
    expect(Number(memoryKib)).toBeLessThan(384 * 1024)
    const diskKib = Number(/\s(\d+)\s/.exec(disk ?? '')?.[1])
    expect(diskKib).toBeGreaterThan(2.7 * 1024 * 1024)
    expect(diskKib).toBeLessThanOrEqual(3 * 1024 * 1024)
  })

  it('gives a shell that reads a script from standard input', async () => {
    const stdout = await cli.ok(['shell', 'shaped'], { stdin: 'echo $((6 * 7)); id -un\n' })
    expect(stdout).toBe('42\nroot\n')
  })

  it('streams a lot of output whole', async () => {
    const produce = 'yes 0123456789abcde | head -c 20000000'
    const inside = await inGuest(`${produce} | sha256sum`)
    const digest = createHash('sha256')
      .update(await inGuest(produce))
      .digest('hex')
    expect(digest).toBe(inside.split(' ')[0])
  })

  it('shows its console and its place in the list, and stops when asked', async () => {
    expect(await cli.ok(['ls'])).toMatch(/shaped\s+.*running/i)
    await cli.ok(['stop', 'shaped'])
    expect(await cli.ok(['ls'])).toMatch(/shaped\s+.*stopped/i)
    await cli.ok(['rm', 'shaped'])
    expect(await cli.json(['ls'])).toEqual([
      expect.objectContaining({ spec: expect.objectContaining({ name: 'first' }) }),
    ])
  })
})

describe('what goes wrong', () => {
  it('leaves no machine behind whose image cannot be had', async () => {
    const result = await cli.run(['run', '--name', 'imageless', 'registry.invalid/nothing'])
    expect(result.code).toBe(125)
    expect(result.stderr).toMatch(/registry\.invalid/)
    expect(await cli.ok(['ls'])).not.toContain('imageless')
  })

  it.each([
    [['run', 'starter', '--cpus', '0'], /cpus/i],
    [['run', 'starter', '--memory', 'lots'], /memory/i],
    [['run', 'Not A Reference'], /reference/i],
    [['start', 'nobody'], /nobody/],
    [['frobnicate'], /frobnicate/],
  ])('%j is refused with a reason', async (args, reason) => {
    const result = await cli.run(args)
    expect(result.code).not.toBe(0)
    expect(result.stdout).toBe('')
    expect(result.stderr).toMatch(reason)
    expect(result.stderr).not.toMatch(/\bat .*\.js:\d+/)
  })
})
