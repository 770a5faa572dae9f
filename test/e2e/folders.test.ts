// SPDX-License-Identifier: Apache-2.0
// A folder and a disk of this computer in a machine, by clicks; and what a window cannot do that someone else has
// taken over.
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Locator } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeCli } from '../support/cli'
import { useApp, type RunningApp } from './harness'

const harness = useApp()
let app: RunningApp
let host: string

beforeAll(async () => {
  host = await mkdtemp(join(tmpdir(), 'microvm-folders-'))
  await mkdir(join(host, 'my work'))
  await mkdir(join(host, 'other'))
  await writeFile(join(host, 'my work/hello'), 'from the host\n')
  await writeFile(join(host, 'other/on-disk'), 'from the disk\n')
  await promisify(execFile)('truncate', ['-s', '8M', join(host, 'data.img')])
  await promisify(execFile)('mke2fs', ['-q', '-d', join(host, 'other'), join(host, 'data.img')])
  app = await harness.launch()
  await app.page.locator('html[data-ready]').waitFor({ state: 'attached' })
}, 120_000)
afterAll(async () => {
  await app.quit()
  await rm(host, { recursive: true, force: true })
})

/** What the system's dialog answers next. */
const choose = (path: string): Promise<void> =>
  app.electron.evaluate(({ dialog }, chosen) => {
    dialog.showOpenDialog = () => Promise.resolve({ canceled: false, filePaths: [chosen] })
  }, path)
const form = (): Locator => app.page.getByRole('dialog', { name: 'New machine' })
const button = (name: string): Locator => form().getByRole('button', { name })

describe('a shared folder, and a disk', () => {
  it('are chosen in the system’s dialog, and placed where the user says', async () => {
    await app.page.keyboard.press('Control+n')
    await form().getByRole('combobox', { name: 'Image' }).fill('starter')
    await form().getByRole('textbox', { name: 'Name' }).fill('sharer')
    await button('Folders').click()
    await choose(join(host, 'my work'))
    await button('Share a folder…').click()
    const place = form().getByRole('textbox', { name: 'Where' })
    await place.waitFor()
    expect(await place.inputValue()).toBe('/mnt/my work')
    await place.fill('/proc/code')
    await form().getByText('the system’s own').waitFor()
    await place.fill('/code')
    await choose(join(host, 'other'))
    await button('Share a folder…').click()
    await button(`Do not share ${join(host, 'other')}`).click()
    await button('Disks').click()
    await button('Add one from the web').click()
    await form().getByLabel('Where /dev/disk0 is downloaded from').fill('http://example.org/a')
    await form().getByText('must be an https:// address').waitFor()
    await button('Remove /dev/disk0').click()
    await choose(join(host, 'data.img'))
    await button('Add a disk file…').click()
    const diskPlace = form().getByRole('textbox', { name: 'Where /dev/disk0 is mounted' })
    await diskPlace.fill('/code')
    await form().getByText('another folder or disk is at /code already').waitFor()
    await diskPlace.fill('/data')
    expect(await form().getByRole('checkbox', { name: 'Read-only' }).last().isChecked()).toBe(true)
    await app.screenshot('new-machine-folders')
    await button('Launch').click()
    await app.page.getByRole('heading', { name: 'sharer' }).waitFor()
  })

  it('are in the machine', async () => {
    const running = '[data-testid=machine-state][data-status=running]'
    await app.page.locator(running).waitFor({ timeout: 60_000 })
    const cli = await makeCli({ dataDir: harness.dataDir })
    const script = 'cat /code/hello; echo from the guest > /code/answer'
    expect(await cli.ok(['exec', 'sharer', '--', 'sh', '-c', script])).toBe('from the host\n')
    expect(await readFile(join(host, 'my work/answer'), 'utf8')).toBe('from the guest\n')
    const ofDisk = 'cat /data/on-disk; echo x > /data/on-disk || echo refused'
    expect(await cli.ok(['exec', 'sharer', '--', 'sh', '-c', ofDisk])).toBe(
      'from the disk\nrefused\n',
    )
  })

  it('are named on the machine’s page', async () => {
    await app.page.getByRole('tab', { name: 'Settings' }).click()
    await app.page.getByText(`${join(host, 'my work')} → /code`, { exact: true }).waitFor()
    const disk = `${join(host, 'data.img')} → /dev/disk0 → /data (8.4 MB, read-only, in use)`
    await app.page.getByText(disk, { exact: true }).waitFor()
    await app.screenshot('machine-settings-disks')
  })

  it.each([
    ['folder', (path: string) => ({ mounts: [{ hostPath: path, guestPath: '/host' }] })],
    ['disk', (path: string) => ({ disks: [{ source: join(path, 'data2.img') }] })],
  ])('cannot be a %s that the user did not choose', async (_what, wish) => {
    const spec = { name: 'thief', image: 'starter', ...wish(host) }
    const answer = await app.page.evaluate(async (stolen) => {
      const { api } = window as unknown as {
        api: { call(name: string, args: unknown): Promise<unknown> }
      }
      return await api.call('vms.launch', { spec: stolen, operationId: 'x' })
    }, spec)
    expect(answer).toMatchObject({ ok: false, error: { code: 'PERMISSION_DENIED' } })
  })
})
