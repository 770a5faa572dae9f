// SPDX-License-Identifier: Apache-2.0
// A folder of this computer in a machine, by clicks; and what a window cannot do that someone else has taken over.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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

describe('a shared folder', () => {
  it('is chosen in the system’s dialog, and placed where the user says', async () => {
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
    await app.screenshot('new-machine-folders')
    await button('Launch').click()
    await app.page.getByRole('heading', { name: 'sharer' }).waitFor()
  })

  it('is in the machine, both ways', async () => {
    const running = '[data-testid=machine-state][data-status=running]'
    await app.page.locator(running).waitFor({ timeout: 60_000 })
    const cli = await makeCli({ dataDir: harness.dataDir })
    const script = 'cat /code/hello; echo from the guest > /code/answer'
    expect(await cli.ok(['exec', 'sharer', '--', 'sh', '-c', script])).toBe('from the host\n')
    expect(await readFile(join(host, 'my work/answer'), 'utf8')).toBe('from the guest\n')
  })

  it('is named on the machine’s page', async () => {
    await app.page.getByRole('tab', { name: 'Settings' }).click()
    await app.page.getByText(`${join(host, 'my work')} → /code`, { exact: true }).waitFor()
  })

  it('cannot be one that the user did not choose', async () => {
    const answer = await app.page.evaluate(async (hostPath) => {
      const mounts = [{ hostPath, guestPath: '/host' }]
      const spec = { name: 'thief', image: 'starter', mounts }
      return await (
        window as unknown as { api: { call(name: string, args: unknown): Promise<unknown> } }
      ).api.call('vms.launch', { spec, operationId: 'x' })
    }, host)
    expect(answer).toMatchObject({ ok: false, error: { code: 'PERMISSION_DENIED' } })
  })
})
