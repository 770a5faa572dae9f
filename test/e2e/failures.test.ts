// SPDX-License-Identifier: Apache-2.0
// What the window says when something does not work: what failed, why, what to do, and a button that does it.
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join, resolve } from 'node:path'
import type { Locator } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { useApp, type RunningApp } from './harness'

const harness = useApp()
let app: RunningApp
/** Takes every request and answers none. */
let silent: Server
let silentAddress: string
let requests = 0

beforeAll(async () => {
  silent = createServer(() => (requests += 1))
  silent.listen(0, '127.0.0.1')
  await once(silent, 'listening')
  silentAddress = `127.0.0.1:${(silent.address() as AddressInfo).port}`
  app = await harness.launch()
  await app.page.locator('html[data-ready]').waitFor({ state: 'attached' })
}, 120_000)

afterAll(async () => {
  silent.closeAllConnections()
  silent.close()
  await app.quit()
})

const rail = (name: string): Locator =>
  app.page.getByRole('navigation').getByRole('button', { name })
const toast = (title: string | RegExp): Locator =>
  app.page.getByTestId('toast').filter({ hasText: title })

async function pull(reference: string): Promise<void> {
  await rail('Images').click()
  await app.page.getByRole('textbox', { name: 'Image reference' }).fill(reference)
  await app.page.getByRole('button', { name: 'Pull', exact: true }).click()
}

/** What the system's dialog answers next. */
const choose = (path: string | undefined): Promise<void> =>
  app.electron.evaluate(({ dialog }, chosen) => {
    dialog.showOpenDialog = () =>
      Promise.resolve({ canceled: chosen === null, filePaths: chosen === null ? [] : [chosen] })
  }, path ?? null)

async function importFrom(kind: 'Archive' | 'OCI layout', path: string | undefined): Promise<void> {
  await choose(path)
  await rail('Images').click()
  await app.page.getByRole('button', { name: 'Import' }).click()
  await app.page.getByRole('menuitem', { name: kind }).click()
}

describe('a pull', () => {
  it('from a registry nobody answers for says so, what to do, and tries again', async () => {
    // Port 1 of the loopback: refused at once.
    await pull('127.0.0.1:1/nothing:here')
    const failure = toast('127.0.0.1:1/nothing:here was not pulled')
    await failure.waitFor()
    const text = await failure.textContent()
    expect(text).toContain('127.0.0.1:1 refuses the connection')
    expect(await failure.locator('.toast-hint').textContent()).not.toBe('')
    expect(text).not.toMatch(/\[object|undefined|Error:|ECONN/)
    await app.screenshot('failure-pull')
    await failure.getByRole('button', { name: 'Try again' }).click()
    await failure.waitFor()
    await failure.getByRole('button', { name: 'Dismiss' }).click()
    await failure.waitFor({ state: 'detached' })
  })

  it('under way can be cancelled, and leaves nothing behind', async () => {
    await pull(`${silentAddress}/slow:latest`)
    const progress = app.page.getByTestId('progress')
    await progress.waitFor()
    await expect.poll(() => requests).toBeGreaterThan(0)
    await progress.getByRole('button', { name: 'Cancel' }).click()
    await progress.waitFor({ state: 'detached' })
    await app.page.getByTestId('operation').waitFor({ state: 'detached' })
    expect(await toast('slow').count()).toBe(0)
  })
})

describe('an import', () => {
  it('that is dismissed changes nothing', async () => {
    await importFrom('Archive', undefined)
    await app.page.getByRole('menuitem').first().waitFor({ state: 'detached' })
    expect(await app.page.getByTestId('toast').count()).toBe(0)
  })

  it('of a file that is no image says so', async () => {
    const file = join(harness.dataDir, 'holiday.tar')
    await writeFile(file, 'no archive at all')
    await importFrom('Archive', file)
    const failure = toast('The image was not imported')
    await failure.waitFor()
    expect(await failure.textContent()).toContain('holiday.tar')
    await failure.getByRole('button', { name: 'Dismiss' }).click()
  })

  it('of an OCI layout brings its image into the list', async () => {
    const layout = resolve(
      import.meta.dirname,
      `../../runtime/${process.platform}-${process.arch}/starter`,
    )
    await importFrom('OCI layout', layout)
    await toast('is here').waitFor({ timeout: 60_000 })
    await app.screenshot('images')
  }, 90_000)
})

describe('a new machine', () => {
  it('is not made from a reference that is none', async () => {
    await rail('Machines').click()
    await app.page.keyboard.press('Control+n')
    const form = app.page.getByRole('dialog', { name: 'New machine' })
    await form.getByRole('combobox', { name: 'Image' }).fill('Not A Reference')
    await form.getByRole('textbox', { name: 'Name' }).fill('broken')
    await app.page.keyboard.press('Enter')
    await form.locator('.field-error, [data-testid=error-panel]').waitFor()
    expect(await form.textContent()).toMatch(/not a valid|no image reference|reference/i)
    await app.screenshot('failure-reference')
    await app.page.keyboard.press('Escape')
    await app.page.keyboard.press('Escape')
    await form.waitFor({ state: 'detached' })
    await app.page.getByRole('heading', { name: 'No machines yet' }).waitFor()
  })

  it('whose image cannot be had shows why, and starts again from there', async () => {
    await app.page.keyboard.press('Control+n')
    const form = app.page.getByRole('dialog', { name: 'New machine' })
    await form.getByRole('combobox', { name: 'Image' }).fill('127.0.0.1:1/nothing')
    await form.getByRole('textbox', { name: 'Name' }).fill('unlucky')
    await form.getByRole('button', { name: 'Launch' }).click()
    const panel = app.page.getByTestId('error-panel')
    await panel.waitFor({ timeout: 30_000 })
    expect(await panel.textContent()).toMatch(/unlucky failed/)
    expect(await panel.locator('.error-hint').textContent()).not.toBe('')
    await app.screenshot('failure-launch')
    await panel.getByRole('button', { name: 'Start again' }).click()
    await toast('Start unlucky failed').waitFor({ timeout: 30_000 })
    await panel.waitFor()
  }, 90_000)
})
