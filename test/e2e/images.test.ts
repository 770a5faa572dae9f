// SPDX-License-Identifier: Apache-2.0
// Images, as one user's journey: pull from a real registry, look into the layers, launch. Each step goes on where
// the one before it ended.
import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Locator } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { deriveImage } from '../support/derived-image'
import { startRegistry, type Registry } from '../support/registry'
import { startSlowProxy, type SlowProxy } from '../support/slow-proxy'
import { makeImage, writeLayout } from '../unit/main/image/support/make-image'
import { tarOf, type Member } from '../unit/main/image/support/tar-bytes'
import { useApp, type RunningApp } from './harness'
import { FrontTerminal } from './terminal'

const STEP_MS = 120_000
const BOOT_MS = 120_000
const script = '#!/bin/sh\nexec httpd -f -p 8080 -h /srv/app/public\n'

const file = (name: string, data: Buffer | string, mode = 0o644): Member => ({ name, data, mode })
const manuals = Array.from({ length: 40 }, (_, index) =>
  file(`usr/share/doc/tool/page-${String(index).padStart(2, '0')}.txt`, 'x'.repeat(20_000)),
)
/** On top of the starter's own layer. */
const layers = [
  {
    createdBy: 'RUN /bin/sh -c apt-get install --yes tool # buildkit',
    tar: tarOf(
      file('usr/bin/tool', randomBytes(1_500_000), 0o755),
      file('etc/tool.conf', 'port = 80\n'),
      ...manuals,
    ),
  },
  {
    createdBy: 'COPY dist /srv/app # buildkit',
    tar: tarOf(
      file('srv/app/start.sh', script, 0o755),
      file('srv/app/public/index.html', '<h1>Hello</h1>\n'),
      file('srv/app/public/logo.png', randomBytes(300_000)),
      file('etc/tool.conf', 'port = 8080\nname = web\n'),
    ),
  },
  {
    createdBy: 'RUN /bin/sh -c rm -rf /usr/share/doc # buildkit',
    tar: tarOf(file('usr/share/.wh.doc', '')),
  },
]

/** Three layers that take a while over a slow line. */
const other = makeImage(
  ['a', 'b', 'c'].map((name) => [file(name, randomBytes(900_000))]),
  { architecture: process.arch === 'x64' ? 'amd64' : process.arch },
)

const harness = useApp()
let app: RunningApp
let registry: Registry
let proxy: SlowProxy
let reference = ''
let scratch = ''

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'images-e2e-'))
  registry = await startRegistry()
  proxy = await startSlowProxy(registry.address)
  const layout = await deriveImage(join(scratch, 'layout'), 'web', {}, layers)
  await registry.push(layout, 'web', 'acme/web:slim')
  await registry.push(
    writeLayout(join(scratch, 'other'), { image: other, name: 'v1' }),
    'v1',
    'acme/other:v1',
  )
  reference = `${proxy.address}/acme/web:slim`
  app = await harness.launch()
  app.page.setDefaultTimeout(STEP_MS / 2)
  await app.page.locator('html[data-ready]').waitFor({ state: 'attached' })
}, 120_000)

afterAll(async () => {
  await app?.quit()
  await proxy?.stop()
  await registry?.stop()
  await rm(scratch, { recursive: true, force: true })
})

const button = (name: string | RegExp): Locator =>
  app.page.getByRole('button', { name, exact: true })
const layer = (name: RegExp): Locator => app.page.getByRole('option', { name })
const row = (name: string | RegExp): Locator => app.page.getByRole('row', { name })
const selectedRow = (): Locator => app.page.locator('.file-row[aria-selected=true]')

async function bothThemes(name: string): Promise<void> {
  for (const theme of ['dark', 'light'] as const) {
    await app.setTheme(theme)
    await app.page.emulateMedia({ reducedMotion: 'reduce' })
    await app.page.waitForTimeout(200)
    await app.screenshot(`${name}-${theme}`)
  }
}

async function pull(name: string): Promise<void> {
  await app.page.getByRole('textbox', { name: 'Image reference' }).fill(name)
  await button('Pull').click()
}

describe('images', () => {
  it(
    'are pulled with the progress of each layer, which can be cancelled',
    async () => {
      proxy.setDelay(300)
      await button('Images').click()
      await pull(`${proxy.address}/acme/other:v1`)
      const progress = app.page.getByTestId('progress')
      await progress
        .getByText(/ kB of 900 kB/)
        .first()
        .waitFor()
      expect(await progress.getByRole('listitem').count()).toBe(3)
      await bothThemes('images-1-pull')
      await progress.getByRole('button', { name: 'Cancel' }).click()
      await progress.waitFor({ state: 'detached' })
      expect(await row(/acme\/other/).count()).toBe(0)
      expect(await app.page.getByTestId('toast').count()).toBe(0)
    },
    STEP_MS,
  )

  it(
    'are pulled to the end, listed with their size and layers',
    async () => {
      proxy.setDelay(0)
      await pull(reference)
      await app.page.getByTestId(`image-${reference}`).waitFor()
      const cells = app.page.getByTestId(`image-${reference}`).getByRole('gridcell')
      expect((await cells.allTextContents()).slice(0, 4)).toEqual([
        ...[reference, expect.stringMatching(/MB$/), expect.stringMatching(/MB$/), '4'],
      ])
      await bothThemes('images-2-table')
      await button(reference).click()
      await layer(/Whole image/).waitFor()
    },
    STEP_MS,
  )

  it(
    'show what each layer added, changed and removed',
    async () => {
      await row(/^etc/).waitFor()
      await bothThemes('images-3-whole')
      expect(await layer(/apt-get/).textContent()).toMatch(/\+ \d+.*hidden later/)
      await layer(/COPY dist/).click()
      await row(/start\.sh .* added/).waitFor()
      await row(/tool\.conf .* changed/).waitFor()
      expect(await row(/^hostname|^bin/).count()).toBe(0)
      await bothThemes('images-4-layer')
      await layer(/rm -rf/).click()
      await row(/^doc 80\d kB removed/).waitFor()
      expect(await layer(/rm -rf/).textContent()).toMatch(/− \d+ · hides 80\d kB/)
      await bothThemes('images-5-removed')
    },
    STEP_MS,
  )

  it(
    'are walked through by keyboard',
    async () => {
      await layer(/Whole image/).click()
      await row(/^usr/).waitFor()
      const list = app.page.getByTestId('file-list')
      await list.focus()
      await app.page.keyboard.press('Home')
      await app.page.keyboard.type('sr')
      await expect.poll(() => selectedRow().textContent()).toMatch(/^srv/)
      for (const key of ['ArrowRight', 'ArrowRight', 'ArrowRight']) {
        await app.page.keyboard.press(key)
        await app.page.waitForTimeout(100)
      }
      await expect.poll(() => selectedRow().getAttribute('aria-expanded')).toBe('true')
      expect(await selectedRow().textContent()).toMatch(/^app/)
      await app.page.keyboard.press('ArrowLeft')
      await app.page.keyboard.press('ArrowLeft')
      await expect.poll(() => selectedRow().textContent()).toMatch(/^srv/)
    },
    STEP_MS,
  )

  it(
    'are searched by path; a found file is shown where it is, read and saved',
    async () => {
      const field = app.page.getByRole('searchbox', { name: 'Find a file' })
      await field.fill('start.*')
      await row(/srv\/app\/start\.sh/).waitFor()
      await field.press('ArrowDown')
      await app.page.keyboard.press('Enter')
      await expect.poll(() => selectedRow().textContent()).toMatch(/^start\.sh/)
      await app.page.getByTestId('file-list').focus()
      await app.page.keyboard.press('Enter')
      const preview = app.page.getByTestId('preview')
      await preview.getByText('exec httpd').waitFor()
      await bothThemes('images-6-text')

      const target = join(scratch, 'saved.sh')
      await app.electron.evaluate(({ dialog }, filePath) => {
        dialog.showSaveDialog = () => Promise.resolve({ canceled: false, filePath })
      }, target)
      await preview.getByRole('button', { name: 'Save…' }).click()
      await app.page.getByText(`Saved ${target}`).waitFor()
      expect(await readFile(target, 'utf8')).toBe(script)
      expect((await stat(target)).mode & 0o777).toBe(0o644)
    },
    STEP_MS,
  )

  it(
    'are launched; the machine has the files that were shown',
    async () => {
      await app.page
        .locator('.page-actions')
        .getByRole('button', { name: 'Launch', exact: true })
        .click()
      await app.page
        .locator('[data-testid=machine-state][data-status=running]')
        .waitFor({ timeout: BOOT_MS })
      const terminal = new FrontTerminal(app.page)
      await terminal.prompt()
      expect(await terminal.run('cat /etc/tool.conf; ls /usr/share/doc')).toEqual([
        ...['port = 8080', 'name = web', expect.stringMatching(/No such file/)],
      ])
    },
    BOOT_MS + STEP_MS,
  )

  it(
    'say which machines need them, and are not deleted meanwhile',
    async () => {
      await button('Images').first().click()
      const listed = app.page.getByTestId(`image-${reference}`)
      const machine = await listed.locator('.cell-users').textContent()
      expect(machine).toMatch(/^\w+-\w+$/)
      await button(reference).click()
      await app.page.getByRole('tab', { name: 'Used by 1 machine' }).click()
      await app.page.getByText(`${machine}Running`).waitFor()
      await bothThemes('images-7-users')
      await button('Delete').click()
      const dialog = app.page.getByRole('dialog', { name: `${reference} is in use` })
      await bothThemes('images-8-in-use')
      await dialog.getByRole('button', { name: machine! }).click()
      await app.page.getByRole('main', { name: `Machine ${machine}` }).waitFor()
    },
    STEP_MS,
  )
})
