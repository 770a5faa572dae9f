// SPDX-License-Identifier: Apache-2.0
// The host's disk is full: while an image comes in, and while a machine writes.
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { VmView } from '../../src/contract/ipc'
import { makeCli, type Cli } from '../support/cli'
import { debianImage } from '../support/debian-image'

const run = promisify(execFile)

let cli: Cli
let disk: string
beforeAll(async () => {
  disk = await mkdtemp(join(tmpdir(), 'full-disk-'))
  await run('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', disk])
  cli = await makeCli({ dataDir: join(disk, 'data') })
})
afterAll(async () => {
  await cli?.dispose()
  await run('umount', [disk])
  await rm(disk, { recursive: true })
})

describe('a full disk', () => {
  it('fails an import with a reason and leaves nothing of it behind', async () => {
    await cli.ok(['images'])
    const { layout } = await debianImage()
    const result = await cli.run(['import', layout, '--name', 'debian', '--json'])
    expect(result.code).not.toBe(0)
    expect(JSON.parse(result.stderr.trim().split('\n').at(-1)!)).toMatchObject({
      code: 'DISK_FULL',
      hint: expect.stringMatching(/free/i),
    })
    const left = await readdir(join(cli.dataDir, 'images', 'layers'))
    expect(left.filter((name) => /tmp|partial/.test(name))).toEqual([])
    expect(await cli.ok(['images'])).not.toContain('debian')
  }, 300_000)

  it('pauses a machine that writes more than there is, and lets it go on afterwards', async () => {
    await cli.ok(['run', '--detach', '--name', 'writer', 'starter'])
    const state = async () => {
      const [machine] = await cli.json<VmView[]>(['ls'])
      return machine!.state
    }
    const ballast = join(disk, 'ballast')
    const { stdout } = await run('df', ['--output=avail', '-k', disk])
    const availableKib = Number(stdout.trim().split('\n').at(-1))
    await writeFile(ballast, Buffer.alloc((availableKib - 8 * 1024) * 1024, 1))
    const writing = cli.run([
      'exec',
      'writer',
      '--',
      'sh',
      '-c',
      'dd if=/dev/urandom of=/root/big bs=1M count=20 && sync && wc -c < /root/big',
    ])
    for (let tries = 0; (await state()).status !== 'paused' && tries < 200; tries++)
      await sleep(200)
    expect(await state()).toMatchObject({ status: 'paused', error: { code: 'DISK_FULL' } })
    await rm(ballast)
    const result = await writing
    expect(result).toMatchObject({ code: 0, stdout: expect.stringContaining('20971520') })
    expect((await state()).status).toBe('running')
  }, 180_000)
})
