// SPDX-License-Identifier: Apache-2.0
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { DiskSpec } from '../../../../src/contract/vm-spec'
import type { PreflightContext } from '../../../../src/main/preflight/checks'
import { disksCheck } from '../../../../src/main/preflight/disks-check'

let dir: string
const at = (name: string): string => join(dir, name)
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'microvm-disks-check-'))
  await mkdir(at('data/vms'), { recursive: true })
})
afterAll(() => rm(dir, { recursive: true, force: true }))

function judge(disk: Partial<DiskSpec>, rootfs: 'disk' | 'directory' = 'disk') {
  const context = {
    dataDir: at('data'),
    chosen: { found: true, backend: { name: 'libkrun' }, probe: { rootfs } },
    wanted: { disks: [{ source: at('ok'), readOnly: true, ...disk }] },
  }
  return disksCheck.run(context as unknown as PreflightContext)
}
const file = async (name: string, content: string | Buffer): Promise<string> => {
  await writeFile(at(name), content)
  return at(name)
}
describe('the check of extra disks', () => {
  it('takes a raw file, also through a link, and asks nothing of a download', async () => {
    await symlink(await file('ok', Buffer.alloc(1024)), at('link'))
    for (const source of [at('ok'), at('link'), 'https://example.org/x'])
      expect(await judge({ source })).toEqual({ status: 'ok', detail: '1 there' })
    expect(await judge({ readOnly: false })).toMatchObject({ status: 'ok' })
  })

  it('has nothing to say of a machine without', async () => {
    expect(await disksCheck.run({ dataDir: dir } as unknown as PreflightContext)).toBeUndefined()
  })

  it.each([
    ['a file that is not there', () => at('none'), 'is not there'],
    ['a folder', () => dir, 'is no file'],
    ['an empty file', () => file('empty', ''), 'no whole number of sectors'],
    ['half a sector', () => file('half', 'x'.repeat(700)), '700 bytes'],
    ['a file of the app', () => file('data/vms/disk', Buffer.alloc(512)), 'belongs to this app'],
  ])('refuses %s', async (_what, make, words) => {
    const finding = await judge({ source: await make() })
    expect(finding?.status).toBe('failed')
    expect(finding?.detail).toContain(words)
    expect(finding?.hint).toBeTruthy()
  })

  it('refuses any disk where the backend has none', async () => {
    expect(await judge({}, 'directory')).toMatchObject({
      status: 'failed',
      detail: 'the libkrun of this computer cannot give a machine disks',
    })
  })
})
