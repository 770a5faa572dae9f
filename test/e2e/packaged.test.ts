// SPDX-License-Identifier: Apache-2.0
// A package as a user gets it: built, unpacked from its tar.gz into a folder with spaces in its name, opened, used. The
// Electron in it is the one for development; everything else is what a release has.
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readFuses, wantedFuses } from '../../scripts/package/fuses.mjs'
import { command } from '../../scripts/setup/command.mjs'
import { inProject } from '../../scripts/setup/paths.mjs'
import { serveUpdate, type UpdateFeed } from '../support/update-feed'
import { makeCli, processesNaming, type Cli } from '../support/cli'
import { usePackagedApp, type PackagedApp } from './harness'
import { FrontTerminal } from './terminal'

const STEP_MS = 120_000
const work = await mkdtemp(join(tmpdir(), 'microvm-packaged-'))
const installed = join(work, 'a folder', 'MicroVM Desktop')
const appImage = join(work, 'MicroVM Desktop.AppImage')
const executable = join(installed, 'microvm-desktop')

const harness = usePackagedApp({
  executable: () => executable,
  args: ['--inspect=0'],
  env: () => ({
    MICROVM_UPDATE_FEED: feed.url,
    // What an AppImage's first program sets: the file that an update replaces.
    APPIMAGE: appImage,
    XDG_CACHE_HOME: join(work, 'cache'),
  }),
})
let feed: UpdateFeed
let app: PackagedApp
let terminal: FrontTerminal
let microvm: Cli

async function install(): Promise<void> {
  await rm(installed, { recursive: true, force: true })
  await mkdir(installed, { recursive: true })
  const archive = (await readdir(join(work, 'dist'))).find((name) => name.endsWith('.tar.gz'))
  const from = ['--file', join(work, 'dist', archive!), '--strip-components=1']
  await command('tar', ['--extract', '--gzip', ...from, '--directory', installed])
}

async function open(): Promise<void> {
  app = await harness.launch()
  terminal = new FrontTerminal(app.page)
  await app.page.locator('html[data-ready]').waitFor({ state: 'attached' })
}

beforeAll(async () => {
  const script = inProject('scripts/package.mjs')
  const out = ['--target', 'tar.gz', '--out', join(work, 'dist')]
  await command(process.execPath, [script, ...out], {
    // The least compression: this archive goes nowhere.
    env: { ...process.env, ELECTRON_BUILDER_COMPRESSION_LEVEL: '1' },
  })
  await install()
  feed = await serveUpdate('9.0.0', `#!/bin/sh\necho started > '${work}/new-version'\n`)
  await writeFile(appImage, 'the version that runs')
  const path = join(installed, 'resources', 'bin', 'microvm')
  microvm = await makeCli({ dataDir: harness.dataDir, command: [path] })
}, 600_000)

afterAll(async () => {
  await feed?.close()
  await rm(work, { recursive: true, force: true })
})

describe('the package', () => {
  it('has its fuses as wanted, read from the binary itself', async () => {
    expect(await readFuses(executable)).toEqual(wantedFuses)
  })

  it('lets nobody put code into it by NODE_OPTIONS', async () => {
    const intruder = join(work, 'intruder.cjs')
    await writeFile(intruder, `process.exit(66)`)
    const program = [join(installed, 'resources', 'bin', 'microvm'), ['ls', '--json']] as const
    const env = { ...process.env, NODE_OPTIONS: `--require=${intruder}` }
    const data = { MICROVM_DATA_DIR: harness.dataDir }
    expect(JSON.parse(await command(...program, { env: { ...env, ...data } }))).toEqual([])
  })

  it('opens from a folder with spaces, deaf to --inspect', async () => {
    await open()
    await app.page.getByRole('heading', { name: 'No machines yet' }).waitFor()
    await app.screenshot('packaged')
    expect(app.errors()).not.toMatch(/Debugger listening/)
  })

  it(
    'launches the starter image with its own parts, and its shell answers',
    async () => {
      await app.page.getByRole('button', { name: 'Launch the starter image' }).click()
      await terminal.prompt()
      expect(await terminal.run('echo typed; id -un')).toEqual(['typed', 'root'])
      const ours = await processesNaming(harness.dataDir)
      const runner = ours.find((line) => line.includes('runner.js'))
      expect(runner).toContain(join(installed, 'resources', 'app.asar.unpacked', 'out', 'main'))
      expect(ours.find((line) => line.includes('gvproxy'))).toContain(`${installed}/resources`)
    },
    STEP_MS,
  )

  it(
    'brings a microvm command that works on the same machines',
    async () => {
      const [machine] = await microvm.json<{ id: string }[]>(['ls'])
      const printed = await microvm.ok(['exec', machine!.id, '--', 'uname', '-s'])
      expect(printed).toBe('Linux\n')
    },
    STEP_MS,
  )

  it(
    'fetches a new version, and asks before it ends for it while a machine runs',
    async () => {
      await terminal.run('echo kept > /tmp/mark')
      const { page, main } = app
      await page.getByRole('navigation').getByRole('button', { name: 'Settings' }).click()
      await page.getByRole('button', { name: 'Check now' }).click()
      await page.getByText('9.0.0 is ready').waitFor({ timeout: 30_000 })
      await app.screenshot('packaged-update')
      expect(await readFile(appImage, 'utf8')).toBe('the version that runs')
      await page.getByRole('button', { name: 'Restart to update' }).click()
      const question = page.getByRole('alertdialog', { name: 'Update while 1 machine runs?' })
      await question.waitFor()
      await app.screenshot('packaged-question')
      await question.getByRole('button', { name: 'Cancel' }).click()
      await page.getByRole('button', { name: 'Restart to update' }).click()
      const ended = once(main, 'exit')
      await question.getByRole('button', { name: 'Restart to update' }).click()
      expect((await ended)[0]).toBe(0)
      expect(await readFile(appImage, 'utf8')).toMatch(/new-version/)
      await expect.poll(() => readdir(work)).toContain('new-version')
    },
    STEP_MS,
  )

  it(
    'finds its machine running after every file of the app has been replaced',
    async () => {
      await install()
      await open()
      await terminal.prompt()
      expect(await terminal.run('cat /tmp/mark')).toEqual(['kept'])
    },
    STEP_MS,
  )

  it(
    'stops the machine and quits, with nothing left behind',
    async () => {
      await app.page.getByRole('row', { name: /, Running/ }).dblclick()
      await app.page.locator('.page-actions').getByRole('button', { name: 'Stop' }).click()
      const stopped = app.page.locator('[data-testid=machine-state][data-status=stopped]')
      await stopped.waitFor({ timeout: 60_000 })
      expect(await app.quit()).toBe(0)
      expect(await processesNaming(harness.dataDir)).toEqual([])
      expect(await processesNaming(installed)).toEqual([])
    },
    STEP_MS,
  )
})
