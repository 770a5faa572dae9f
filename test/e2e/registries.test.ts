// SPDX-License-Identifier: Apache-2.0
// Registries and the space images take, as one user's journey: a pull that is refused until one signs in, a mirror,
// pulls that stop half-way and go on from there, an export, and the space given back.
import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Locator } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { registryUser, startRegistry, type Registry } from '../support/registry'
import { makeImage, writeLayout } from '../unit/main/image/support/make-image'
import {
  Repository,
  startServer,
  type ScriptedServer,
} from '../unit/main/image/support/scripted-registry'
import { useApp, type RunningApp } from './harness'

const STEP_MS = 120_000
const MIB = 1024 * 1024
const architecture = process.arch === 'x64' ? 'amd64' : process.arch
const small = makeImage([[{ name: 'etc/hostname', data: 'small\n' }]], { architecture })
const big = makeImage([[{ name: 'data', data: randomBytes(6 * MIB) }]], { architecture })

const harness = useApp()
let app: RunningApp
let registry: Registry
let server: ScriptedServer
let scratch = ''
let guarded = ''
/** What was asked for of the big layer: the Range of each request, or none. */
const ranges: (string | undefined)[] = []
/** While it is set, the layer stops after 4 MiB. */
let isHalting = true

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'registries-e2e-'))
  registry = await startRegistry({ login: true })
  const layout = writeLayout(join(scratch, 'small'), { image: small, name: 'v1' })
  guarded = await registry.push(layout, 'v1', 'private/small:v1')
  server = await serveBoth()
  await launch()
}, 120_000)

afterAll(async () => {
  await app?.quit()
  await server?.close()
  await registry?.stop()
  await rm(scratch, { recursive: true, force: true })
})

async function launch(): Promise<void> {
  app = await harness.launch()
  app.page.setDefaultTimeout(STEP_MS / 2)
  await app.page.locator('html[data-ready]').waitFor({ state: 'attached' })
  await button('Images').click()
}

/** Both images; of the big one's layer, slowly, half at first and the rest only if that is asked for. */
async function serveBoth(): Promise<ScriptedServer> {
  const repository = new Repository()
  for (const [{ blobs, manifest }, tag] of [[small, 'small'] as const, [big, 'big'] as const])
    for (const [digest, bytes] of blobs) {
      const isManifest = digest === manifest.digest
      repository.add(
        bytes,
        isManifest ? manifest.mediaType : undefined,
        isManifest ? tag : undefined,
      )
    }
  const [digest, blob] = [...big.blobs].find(([, bytes]) => bytes.length > MIB)!
  return startServer((request, response) => {
    if (!request.url!.endsWith(digest)) return repository.answer(request, response)
    const { range } = request.headers
    ranges.push(range)
    const start = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0)
    const whole = `bytes ${start}-${blob.length - 1}/${blob.length}`
    response.writeHead(range === undefined ? 200 : 206, {
      'content-length': blob.length - start,
      ...(range === undefined ? {} : { 'content-range': whole }),
    })
    let at = start
    const end = isHalting ? Math.min(start + 2 * MIB, blob.length) : blob.length
    const send = (): void => {
      if (at >= end) return void (end === blob.length && response.end())
      response.write(blob.subarray(at, Math.min(at + 256 * 1024, end)))
      at += 256 * 1024
      setTimeout(send, isHalting ? 40 : 0)
    }
    send()
  })
}

const button = (name: string | RegExp): Locator =>
  app.page.getByRole('button', { name, exact: true })
const toast = (text: string | RegExp): Locator =>
  app.page.getByTestId('toast').filter({ hasText: text })
const image = (reference: string): Locator => app.page.getByTestId(`image-${reference}`)
const progress = (): Locator => app.page.getByTestId('progress')

/** Of all images and what is made of them. */
async function bytesOnDisk(): Promise<number> {
  const folder = join(harness.dataDir, 'images')
  const files = await readdir(folder, { recursive: true, withFileTypes: true })
  const sizes = files
    .filter((file) => file.isFile())
    .map(async ({ parentPath, name }) => (await stat(join(parentPath, name))).blocks * 512)
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}

async function pull(name: string): Promise<void> {
  await app.page.getByRole('textbox', { name: 'Image reference' }).fill(name)
  await button('Pull').click()
}

async function hasFocus(element: Locator): Promise<void> {
  await expect.poll(() => element.evaluate((el) => el === document.activeElement)).toBe(true)
}

async function screenshots(name: string): Promise<void> {
  for (const theme of ['dark', 'light'] as const) {
    await app.setTheme(theme)
    await app.page.emulateMedia({ reducedMotion: 'reduce' })
    await app.page.waitForTimeout(100)
    await app.screenshot(`${name}-${theme}`)
  }
}

describe('a registry that wants a login', () => {
  it(
    'refuses the pull, which offers to sign in; a wrong password is said so, the right one pulls',
    async () => {
      await pull(guarded)
      await toast('was not pulled').getByRole('button', { name: 'Sign in…' }).click()
      const dialog = app.page.getByRole('dialog', { name: `Sign in to ${registry.address}` })
      const user = dialog.getByRole('textbox', { name: 'User name' })
      await hasFocus(user)
      await user.fill(registryUser.username)
      const password = dialog.getByLabel('Password or access token')
      await password.fill('wrong')
      await app.page.keyboard.press('Enter')
      const error = dialog.getByTestId('error-panel')
      expect(await error.textContent()).toMatch(/user name|password/i)
      await screenshots('registries-1-wrong')
      await hasFocus(password)
      await app.page.keyboard.type(registryUser.password)
      await app.page.keyboard.press('Enter')
      await dialog.waitFor({ state: 'detached' })
      await image(guarded).waitFor()
    },
    STEP_MS,
  )

  it(
    'is listed in the settings, where one signs out again',
    async () => {
      await button('Settings').click()
      const login = app.page.getByTestId('login').filter({ hasText: registry.address })
      expect(await login.textContent()).toContain(registryUser.username)
      await login.getByRole('button').click()
      await login.waitFor({ state: 'detached' })
      await button('Images').click()
      await pull(guarded)
      await toast('was not pulled').getByRole('button', { name: 'Dismiss' }).click()
    },
    STEP_MS,
  )
})

describe('a mirror', () => {
  it(
    'is set, refused when it cannot be, asked first, and taken away again',
    async () => {
      await button('Settings').click()
      const group = app.page.getByRole('group', { name: 'Mirrors' })
      const address = group.getByRole('textbox', { name: 'Address of the mirror' })
      await address.fill('http://mirror.example')
      await app.page.keyboard.press('Enter')
      await group.getByRole('alert').filter({ hasText: 'without encryption' }).waitFor()
      await address.fill(server.origin)
      await app.page.keyboard.press('Enter')
      await group.getByText(`docker.io → ${server.origin}`).waitFor()
      await screenshots('registries-2-settings')
      await button('Images').click()
      await pull('acme/web:small')
      await image('acme/web:small').waitFor()
      expect(server.asked[0]?.url).toBe('/v2/acme/web/manifests/small')
      await button('Settings').click()
      await button(/^Remove docker\.io/).click()
      await group.getByTestId('registry-setting').waitFor({ state: 'detached' })
      const file = await readFile(join(harness.dataDir, 'registries.json'), 'utf8')
      expect(JSON.parse(file)).toMatchObject({ mirrors: {} })
    },
    STEP_MS,
  )
})

describe('Docker and Podman on this computer', () => {
  it(
    'are asked until one says no',
    async () => {
      await button('Settings').click()
      const ask = app.page.getByRole('switch', { name: /^Ask Docker and Podman/ })
      expect(await ask.isChecked()).toBe(true)
      await ask.click()
      await app.page
        .locator('[role=switch][aria-label^="Ask Docker"][aria-checked=false]')
        .waitFor()
      const file = await readFile(join(harness.dataDir, 'registries.json'), 'utf8')
      expect(JSON.parse(file)).toMatchObject({ daemons: false })
      await ask.click()
    },
    STEP_MS,
  )
})

describe('a pull that stops half-way', () => {
  const reference = (): string => `${server.host}/acme/web:big`
  const comeTo = (megabytes: RegExp): Locator =>
    progress()
      .getByText(new RegExp(`^${megabytes.source}\\.\\d MB of 6\\.3 MB`))
      .first()

  it(
    'goes on after it was cancelled from the byte it has come to',
    async () => {
      await button('Images').click()
      await pull(reference())
      await comeTo(/[12]/).waitFor()
      expect(await app.page.getByTestId('operation').textContent()).toContain('0 of 1 layer')
      await progress().getByRole('button', { name: 'Cancel' }).click()
      await progress().waitFor({ state: 'detached' })
      expect(await image(reference()).count()).toBe(0)
      await pull(reference())
      await comeTo(/[345]/).waitFor()
      expect(ranges).toEqual([undefined, expect.stringMatching(/^bytes=[12]\d{6}-$/)])
    },
    STEP_MS,
  )

  it(
    'goes on after the app was killed',
    async () => {
      await app.crash()
      isHalting = false
      await launch()
      expect(await image(reference()).count()).toBe(0)
      await pull(reference())
      await image(reference()).waitFor()
      expect(ranges).toHaveLength(3)
      expect(Number(/\d+/.exec(ranges[2]!)?.[0])).toBeGreaterThan(
        Number(/\d+/.exec(ranges[1]!)?.[0]),
      )
    },
    STEP_MS,
  )
})

describe('an image', () => {
  it(
    'is exported from its menu, and gets one more name',
    async () => {
      const reference = `${server.host}/acme/web:big`
      const target = join(scratch, 'web.tar')
      await app.electron.evaluate(({ dialog }, filePath) => {
        dialog.showSaveDialog = () => Promise.resolve({ canceled: false, filePath })
      }, target)
      const table = app.page.getByRole('grid', { name: 'Images' })
      await table.focus()
      await app.page.keyboard.press('Home')
      await app.page.keyboard.press('Shift+F10')
      await app.page.getByRole('menuitem', { name: 'Copy digest' }).waitFor()
      await app.page.keyboard.press('Escape')
      await hasFocus(table)
      await image(reference).click({ button: 'right' })
      await screenshots('registries-3-menu')
      await app.page.getByRole('menuitem', { name: 'Export as OCI archive…' }).click()
      await toast(`Exported to ${target}`).waitFor()
      expect((await stat(target)).size).toBeGreaterThan(6 * MIB)
      expect((await readFile(target)).subarray(0, 10).toString()).toBe('oci-layout')

      await button(reference).click()
      await button('More').click()
      const addName = app.page.getByRole('menuitem', { name: 'Add a name…' })
      await addName.click()
      const name = app.page.getByRole('textbox', { name: /One more name/ })
      await hasFocus(name)
      await app.page.keyboard.press('Escape')
      await hasFocus(button('More'))
      await app.page.keyboard.press('Enter')
      await addName.click()
      await name.fill('mine:1')
      await app.page.keyboard.press('Enter')
      await toast('mine:1').waitFor()
      await button('Delete').click()
      const dialog = app.page.getByRole('alertdialog')
      await dialog.getByText('keeps 1 other name').waitFor()
      await dialog.getByRole('button', { name: 'Delete' }).click()
      await image('mine:1').waitFor()
      expect(await image(reference).count()).toBe(0)
    },
    STEP_MS,
  )

  it(
    'goes when space is freed, which says before how much that is',
    async () => {
      const before = await bytesOnDisk()
      await button('Free up space…').click()
      const dialog = app.page.getByRole('dialog', { name: 'Free up space' })
      await dialog.getByRole('checkbox', { name: 'Images no machine needs' }).check()
      await dialog.getByRole('list', { name: 'Images that go' }).getByText('mine:1').waitFor()
      await screenshots('registries-4-free')
      const free = dialog.getByRole('button', { name: /^Free \d/ })
      const text = await free.textContent()
      const megabytes = Number(/[\d.]+/.exec(text ?? '')?.[0])
      expect(megabytes).toBeGreaterThan(6)
      await free.click()
      await toast(`${text?.replace('Free ', '')} are free again: 3 images removed`).waitFor()
      expect(await image('mine:1').count()).toBe(0)
      const freed = (before - (await bytesOnDisk())) / 1e6
      expect(Math.abs(freed - megabytes)).toBeLessThan(0.6)
    },
    STEP_MS,
  )
})
