// SPDX-License-Identifier: Apache-2.0
// Folders of the host in a real guest, under QEMU and this computer's virtiofsd.
import { existsSync } from 'node:fs'
import { mkdtemp, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { VmView } from '../../src/contract/ipc'
import { makeCli, processesNaming, type Cli } from '../support/cli'

let cli: Cli
let host: string
const inHost = (name: string): string => join(host, name)
beforeAll(async () => {
  cli = await makeCli()
  host = await mkdtemp(join(tmpdir(), 'microvm-shared-'))
  await mkdir(inHost('work folder'))
  await mkdir(inHost('read/only'), { recursive: true })
  await writeFile(inHost('work folder/from-host'), 'hello guest\n')
  await writeFile(inHost('read/only/kept'), 'kept\n')
  await writeFile(inHost('secret'), 'of the host\n')
  await symlink('/etc/hostname', inHost('work folder/absolute'))
  await symlink('../secret', inHost('work folder/relative'))
})
afterAll(async () => {
  await cli.dispose()
  await rm(host, { recursive: true, force: true })
})

const state = async (): Promise<VmView['state']> => (await cli.json<VmView[]>(['ls']))[0]!.state
const inGuest = (script: string) => cli.run(['exec', 'sharing', '--', 'sh', '-c', script])
/** What the guest prints. */
const guest = async (script: string): Promise<string> => (await inGuest(script)).stdout
/** This machine's virtiofsd is two processes: one waits for the other, which serves. */
const servers = async (): Promise<number[]> => {
  const { runner } = await state()
  const pids = (await processesNaming('virtiofsd.sock')).map((line) => Number(line.split(' ')[0]))
  const parents = new Map<number, number>()
  for (const pid of pids) {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
    parents.set(pid, Number(text.slice(text.lastIndexOf(')')).split(' ')[2]))
  }
  const isOurs = (pid: number | undefined): boolean =>
    pid !== undefined && (pid === runner?.pid || isOurs(parents.get(pid)))
  return pids.filter(isOurs)
}
const alive = (pids: readonly number[]): number[] =>
  pids.filter((pid) => existsSync(`/proc/${pid}`))
const become = async (status: VmView['state']['status']): Promise<void> => {
  const deadline = Date.now() + 30_000
  while ((await state()).status !== status) {
    if (Date.now() > deadline) throw new Error(`still ${JSON.stringify(await state())}`)
    await sleep(50)
  }
}
const over = async (): Promise<VmView['state']> => {
  for (let tries = 0; tries < 200; tries += 1) {
    const now = await state()
    if (now.status === 'failed' || now.status === 'stopped') return now
    await sleep(50)
  }
  throw new Error(`still ${JSON.stringify(await state())}`)
}

describe('a machine with shared folders', () => {
  beforeAll(async () => {
    const mounts = [`${inHost('work folder')}:/code`, `${inHost('read')}:/srv/deep/er:ro`]
    const options = mounts.flatMap((mount) => ['--mount', mount])
    await cli.ok(['run', '-d', '--name', 'sharing', ...options, 'starter', '--', 'sleep', '9999'])
  })

  it('reads and writes the host’s files, and the host the guest’s', async () => {
    expect(await guest('cat /code/from-host; echo hello host > /code/from-guest')).toBe(
      'hello guest\n',
    )
    expect(await readFile(inHost('work folder/from-guest'), 'utf8')).toBe('hello host\n')
    await inGuest('mkdir /code/d; mv /code/from-guest /code/d/moved; ln -s d /code/link')
    expect(await readFile(inHost('work folder/link/moved'), 'utf8')).toBe('hello host\n')
  })

  it('sees what changes on the host meanwhile', async () => {
    expect(await guest('cat /code/new 2>&1')).toContain('No such file')
    await writeFile(inHost('work folder/new'), 'new\n')
    await writeFile(inHost('work folder/from-host'), 'changed on the host\n')
    await rm(inHost('work folder/d'), { recursive: true })
    // A second is what the guest may remember.
    await sleep(1100)
    expect(await guest('cat /code/new /code/from-host; ls -d /code/d 2>&1')).toBe(
      'new\nchanged on the host\nls: /code/d: No such file or directory\n',
    )
  })

  it('keeps names of any kind', async () => {
    const names = ['ünï 漢字 🦆', 'it\'s "quoted" $HOME `x` \\', 'new\nline', 'x'.repeat(255)]
    for (const name of names) await writeFile(inHost(`work folder/d-${name}`.slice(0, -2)), '')
    const made = names.map((name) => `d-${name}`.slice(0, -2)).toSorted()
    const listed = await guest('cd /code; for f in d-*; do printf "%s\\0" "$f"; done')
    expect(listed.split('\0').slice(0, -1).toSorted()).toEqual(made)
    await inGuest('cd /code; for f in d-*; do mv "$f" "e${f#d}"; done')
    const after = (await readdir(inHost('work folder'))).filter((name) => name.startsWith('e-'))
    expect(after.toSorted()).toEqual(made.map((name) => `e${name.slice(1)}`))
  })

  it('cannot write what is read-only, even as its own root who mounts it anew', async () => {
    const attempts = [
      'echo x > /srv/deep/er/only/kept',
      'rm /srv/deep/er/only/kept',
      'mkdir /srv/deep/er/only/new',
      'chmod 777 /srv/deep/er/only/kept',
      'touch /srv/deep/er/top',
    ]
    const before = await stat(inHost('read/only/kept'))
    expect(await guest(attempts.map((attempt) => `${attempt} && echo done`).join('\n'))).toBe('')
    const remount = 'mount -o remount,rw /srv/deep/er && echo remounted'
    expect(await guest(`${remount}; ${attempts.join(' && echo done;')}`)).toBe('remounted\n')
    // The device itself, which holds all folders of the machine.
    await inGuest('mkdir /tmp/all; mount -t virtiofs shares /tmp/all')
    const everywhere = 'find /tmp/all/* -type d -exec touch {}/only-try \\;; touch /tmp/all/top'
    await inGuest(`${everywhere}; umount /tmp/all`)
    const after = await stat(inHost('read/only/kept'))
    expect([after.mode, after.mtimeMs]).toEqual([before.mode, before.mtimeMs])
    expect(await readdir(inHost('read'))).toEqual(['only'])
  })

  it('does not get out of a folder: a link means the guest’s own files', async () => {
    expect(await guest('cat /code/absolute')).toBe('sharing\n')
    expect(await guest('cat /code/relative 2>&1')).toContain('No such file')
    expect(await guest('ls -a /code/.. | grep -x etc')).toBe('etc\n')
    await inGuest('ln -s /etc/shadow-of-host /code/made-in-guest; echo x > /code/made-in-guest')
    expect(await guest('cat /etc/shadow-of-host')).toBe('x\n')
  })

  it('gives nobody the rights of a file’s owner', async () => {
    expect(await guest('grep -E " /(code|srv/deep/er) " /proc/mounts')).toMatch(
      /^\S+ \/code virtiofs rw,nosuid,nodev.*\n\S+ \/srv\/deep\/er virtiofs r[ow],nosuid,nodev.*\n$/,
    )
  })

  it('has written all to the host when it has stopped, and leaves nothing behind', async () => {
    await inGuest('dd if=/dev/zero bs=1M count=4 | tr "\\0" "x" > /code/big')
    const pids = await servers()
    expect(pids).toHaveLength(2)
    await cli.ok(['stop', 'sharing'])
    expect((await stat(inHost('work folder/big'))).size).toBe(4 * 1024 * 1024)
    expect((await readFile(inHost('work folder/big'))).every((byte) => byte === 0x78)).toBe(true)
    expect(alive(pids)).toEqual([])
    expect(await processesNaming(cli.dataDir)).toEqual([])
    const left = await readdir(join(cli.dataDir, 'vms'), { recursive: true })
    expect(left.filter((name) => name.includes('.sock'))).toEqual([])
  })

  it('has them again after a restart and a reboot', async () => {
    await cli.ok(['start', 'sharing'])
    expect(await guest('cat /code/new')).toBe('new\n')
    await inGuest('reboot')
    await become('starting')
    await become('running')
    expect(await guest('cat /code/new; mount | grep -c virtiofs')).toBe('new\n2\n')
  })

  it('says so when virtiofsd is killed, and takes the rest down', async () => {
    const pids = await servers()
    expect(pids).toHaveLength(2)
    for (const pid of pids) process.kill(pid, 'SIGKILL')
    const { status, error } = await over()
    expect(status).toBe('failed')
    expect(error).toMatchObject({
      code: 'HYPERVISOR_FAILED',
      message: expect.stringMatching(/shared folders are gone: virtiofsd /) as string,
    })
    expect(await processesNaming(cli.dataDir)).toEqual([])
  })

  it('takes virtiofsd along when its runner is killed with -9', async () => {
    await cli.ok(['start', 'sharing'])
    const pids = await servers()
    expect(pids).toHaveLength(2)
    process.kill((await state()).runner!.pid, 'SIGKILL')
    for (let tries = 0; alive(pids).length > 0 && tries < 100; tries += 1) await sleep(20)
    expect(alive(pids)).toEqual([])
  })

  it('does not start without a folder it is to have, and names it', async () => {
    await rm(inHost('read'), { recursive: true })
    const { code, stderr } = await cli.run(['start', 'sharing'])
    expect(code).not.toBe(0)
    expect(stderr).toContain(`${inHost('read')} is not there`)
    expect(stderr).toContain('Make the folder')
  })
})
