// SPDX-License-Identifier: Apache-2.0
// A parent killed with -9, and what becomes of its child under either mechanism.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { transformWithOxc } from 'vite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bindToParent } from '../../../../native-runner/process/lifeline'
import { identifyProcess, isAlive } from '../../../../src/main/lib/process-identity'

const source = resolve(import.meta.dirname, '../../../../native-runner/process/lifeline.ts')
const WAIT_MS = 10_000

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'microvm-lifeline-'))
  const { code } = await transformWithOxc(await readFile(source, 'utf8'), source)
  await writeFile(join(dir, 'lifeline.mjs'), code)
  await writeFile(
    join(dir, 'parent.mjs'),
    `import { spawn } from 'node:child_process'
     import { bindToParent, guardChild } from './lifeline.mjs'
     const args = ['-e', 'setTimeout(() => {}, 60000)']
     const bound = process.argv[2] === 'kernel'
       ? bindToParent(process.execPath, args)
       : { command: process.execPath, args, diesWithParent: false }
     const child = spawn(bound.command, bound.args, { stdio: 'ignore' })
     if (!bound.diesWithParent)
       guardChild(child.pid, new Promise((resolve) => child.once('exit', resolve)))
     child.once('exit', () => console.log('ended'))
     console.log(child.pid)
     setTimeout(() => {}, 60000)`,
  )
})
afterAll(() => rm(dir, { recursive: true }))

async function startFamily(mechanism: 'kernel' | 'guard') {
  const parent = spawn(process.execPath, [join(dir, 'parent.mjs'), mechanism], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const line = await new Promise<Buffer>((done) => parent.stdout.once('data', done))
  const pid = Number(String(line))
  // The shell that sets the death signal becomes the child itself a moment later.
  let child = await identifyProcess(pid)
  for (const end = Date.now() + WAIT_MS; Date.now() < end; await sleep(10)) {
    child = await identifyProcess(pid)
    if (child?.executable === process.execPath) break
  }
  return { parent, child: child! }
}

async function endsSoon(identity: Parameters<typeof isAlive>[0]): Promise<boolean> {
  for (const end = Date.now() + WAIT_MS; Date.now() < end; await sleep(10))
    if (!(await isAlive(identity))) return true
  return false
}

describe.runIf(process.platform === 'linux')('a child', () => {
  const mechanisms = existsSync('/usr/bin/setpriv')
    ? (['kernel', 'guard'] as const)
    : (['guard'] as const)

  it.each(mechanisms)('dies with a parent killed with -9 (%s)', async (mechanism) => {
    const { parent, child } = await startFamily(mechanism)
    expect(await isAlive(child)).toBe(true)
    parent.kill('SIGKILL')
    expect(await endsSoon(child)).toBe(true)
  })

  it('that ends by itself takes its guard with it', async () => {
    const { parent, child } = await startFamily('guard')
    const ended = new Promise((done) => parent.stdout.on('data', done))
    process.kill(child.pid, 'SIGTERM')
    await ended
    const guards = async (): Promise<boolean> => {
      const children = await readFile(`/proc/${parent.pid}/task/${parent.pid}/children`, 'utf8')
      return children.trim() !== ''
    }
    for (const end = Date.now() + WAIT_MS; (await guards()) && Date.now() < end;) await sleep(10)
    expect(await guards()).toBe(false)
    parent.kill('SIGKILL')
  })

  it('does not run at all if its parent is gone before it begins', () => {
    const bound = bindToParent('/bin/echo', ['alive'], '/usr/bin/setpriv')
    // The command is for this process's children; a shell between makes it a grandchild.
    const grandchild = spawn('/bin/sh', [
      '-c',
      '"$@"; echo "code $?"',
      'sh',
      bound.command,
      ...bound.args,
    ])
    return new Promise<void>((done) => {
      grandchild.stdout.on('data', (text) => {
        expect(String(text)).toBe('code 1\n')
        done()
      })
    })
  })
})
