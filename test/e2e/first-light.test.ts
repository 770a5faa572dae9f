// SPDX-License-Identifier: Apache-2.0
// The whole main job, as one user's journey from an empty data directory: each step goes on where the
// one before it ended.
import { readdir, readFile, readlink, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Locator } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { processesNaming } from '../support/cli'
import { useApp, type RunningApp } from './harness'
import { FrontTerminal } from './terminal'

const NAME = 'first-light'
const STEP_MS = 180_000
/** Milliseconds for a boot here: emulated, on a machine with other work. */
const BOOT_MS = 120_000
const FLOOD_MS = 600_000
const artifacts = resolve(import.meta.dirname, '../artifacts')

const harness = useApp()
let app: RunningApp
let terminal: FrontTerminal

async function open(): Promise<void> {
  app = await harness.launch()
  terminal = new FrontTerminal(app.page)
  await app.page.locator('html[data-ready]').waitFor({ state: 'attached' })
}

const dialog = (name: string): Locator => app.page.getByRole('dialog', { name })
const tabs = (): Locator => app.page.getByRole('tablist', { name: 'Terminals' }).getByRole('tab')
/** One of the machine page's own: others are in rows and notices. */
const action = (name: string): Locator =>
  app.page.locator('.page-actions').getByRole('button', { name, exact: true })
const button = (name: string | RegExp): Locator => app.page.getByRole('button', { name })

async function isRunning(): Promise<void> {
  await app.page
    .locator('[data-testid=machine-state][data-status=running]')
    .waitFor({ timeout: BOOT_MS })
}

async function bothThemes(name: string): Promise<void> {
  for (const theme of ['dark', 'light'] as const) {
    await app.setTheme(theme)
    await app.page.emulateMedia({ reducedMotion: 'reduce' })
    await app.page.waitForTimeout(250)
    await app.screenshot(`${name}-${theme}`)
  }
}

beforeAll(open, 120_000)

describe('first light', () => {
  it('begins with an empty list that says how to get a machine', async () => {
    await app.page.getByRole('heading', { name: 'No machines yet' }).waitFor()
    expect(await button('Launch the starter image').isEnabled()).toBe(true)
    await bothThemes('1-empty')
  })

  it(
    'launches the starter image from the New machine dialog',
    async () => {
      await app.page.keyboard.press('Control+n')
      const form = dialog('New machine')
      await form.waitFor()
      await form.getByRole('combobox', { name: 'Image' }).click()
      await form.getByRole('option', { name: /^starter/ }).click()
      await form.getByRole('textbox', { name: 'Name' }).fill(NAME)
      await bothThemes('2-new-machine')
      await form.getByRole('button', { name: 'Launch' }).click()
      await app.page.getByRole('heading', { name: NAME }).waitFor()
      await isRunning()
      await terminal.prompt()
      await bothThemes('3-machine')
    },
    STEP_MS,
  )

  it(
    'answers in the terminal: another kernel, root, the image’s own system',
    async () => {
      const [kernel, user, ...system] = await terminal.run('uname -r; id -un; cat /etc/os-release')
      const hostKernel = (await readFile('/proc/sys/kernel/osrelease', 'utf8')).trim()
      expect(kernel).toMatch(/^6\.\d+\.\d+/)
      expect(kernel).not.toBe(hostKernel)
      expect(user).toBe('root')
      expect(system.join('\n')).toMatch(/^NAME=/m)
    },
    STEP_MS,
  )

  it(
    'draws 24-bit colours and characters beyond ASCII',
    async () => {
      await terminal.run(String.raw`printf '\033[38;2;18;52;86;48;2;255;240;220mä漢€\033[0m\n'`)
      await terminal.shows(/^ä漢 ?€/m)
      const colour = await terminal.view
        .locator('.xterm-rows span', { hasText: 'ä' })
        .last()
        .evaluate((span) => getComputedStyle(span).backgroundColor)
      expect(colour).toBe('rgb(255, 240, 220)')
    },
    STEP_MS,
  )

  it(
    'gives the guest the terminal’s size, also when the window changes',
    async () => {
      const size = async (): Promise<number[]> =>
        (await terminal.run('stty size'))[0]!.split(' ').map(Number)
      const before = await size()
      await app.setSize(1500, 1000)
      await expect.poll(() => app.page.evaluate(() => innerWidth)).toBe(1500)
      await expect
        .poll(async () => (await size())[1], { timeout: 60_000 })
        .toBeGreaterThan(before[1]!)
      const status = await app.page.getByTestId('terminal-status').textContent()
      const [rows, columns] = await size()
      expect(status).toContain(`${columns}×${rows}`)
    },
    STEP_MS,
  )

  it(
    'opens a second tab with a shell of its own',
    async () => {
      const [first] = await terminal.run('tty')
      await button('New terminal').click()
      await app.page.getByRole('menuitem', { name: NAME }).click()
      await expect.poll(() => tabs().count()).toBe(2)
      await terminal.prompt()
      const [second] = await terminal.run('tty')
      expect(second).toMatch(/^\/dev\/pts\/\d+$/)
      expect(second).not.toBe(first)
      await terminal.type('exit')
      await app.page.keyboard.press('Enter')
      await expect.poll(() => tabs().count(), { timeout: 30_000 }).toBe(1)
    },
    STEP_MS,
  )

  it('hands none of the app’s own files and sockets to the machine’s processes', async () => {
    const [runner] = await pidsOf(/runner\.js/)
    const [qemu] = await pidsOf(/qemu-system/)
    const [gvproxy] = await pidsOf(/bin\/gvproxy/)
    for (const pid of [runner, qemu, gvproxy]) {
      const open = await openFiles(pid!)
      expect(open.length).toBeGreaterThan(3)
      expect(open.filter((target) => target.includes('/electron/Local Storage'))).toEqual([])
      expect(open.filter((target) => target.includes('.org.chromium'))).toEqual([])
    }
    // The app's end of anything must not be open elsewhere.
    const ours = new Set(await openFiles(app.electron.process().pid!))
    const shared = (await openFiles(qemu!)).filter((target) => ours.has(target))
    expect(shared.filter((target) => /^(socket|pipe):/.test(target))).toEqual([])
  })

  it(
    'asks before it pastes several lines, and pastes one line at once',
    async () => {
      const copy = (text: string): Promise<void> =>
        app.electron.evaluate(({ clipboard }, copied) => clipboard.writeText(copied), text)
      const question = app.page.getByRole('alertdialog', { name: 'Paste 2 lines?' })
      await terminal.run('true')

      await copy("echo o''ne\necho t''wo\n")
      await terminal.focus()
      await app.page.keyboard.press('Control+Shift+V')
      await question.waitFor()
      await app.screenshot('4-paste')
      await question.getByRole('button', { name: 'Cancel' }).click()
      await question.waitFor({ state: 'detached' })
      expect((await terminal.lines()).join('\n')).not.toMatch(/one|two/)

      await terminal.focus()
      await app.page.keyboard.press('Control+Shift+V')
      await question.getByRole('button', { name: 'Paste' }).click()
      await terminal.shows(/^one$[^]*^two$/m)

      await copy("echo th''ree")
      await terminal.focus()
      await app.page.keyboard.press('Control+Shift+V')
      await terminal.shows(/echo th''ree$/m)
      await app.page.keyboard.press('Enter')
      await terminal.shows(/^three$/m)
    },
    STEP_MS,
  )

  it(
    'draws 200 MB of output to the end, usable all the while, without holding it',
    async () => {
      await terminal.run('true')
      const watch = await watchLoad(app)
      // Not bare `yes`: busybox writes each of its lines to the terminal by itself, which takes an
      // emulated guest an hour. The app sees as many bytes, only sooner.
      await terminal.type("clear; yes $(seq 1 300) | head -c 200m | cat; echo; echo fl''ood")
      await app.page.keyboard.press('Enter')
      await terminal.shows(/298 299 300$/m)

      // Another page opens and shows while it prints.
      await app.page.getByRole('navigation').getByRole('button', { name: 'Images' }).click()
      await app.page.getByRole('heading', { name: 'Images' }).waitFor()
      expect((await terminal.lines()).join('\n')).not.toContain('flood')

      await terminal.shows(/^flood$/m, FLOOD_MS)
      const load = await watch.end()
      await writeFile(resolve(artifacts, 'flood.json'), `${JSON.stringify(load, undefined, 2)}\n`)
      expect(load.mainGrowthMib).toBeLessThan(100)
      expect(load.allGrowthMib).toBeLessThan(180)
      await app.page.goBack()
    },
    FLOOD_MS + STEP_MS,
  )

  it(
    'stops a flood at once when told to',
    async () => {
      await terminal.type('clear; yes')
      await app.page.keyboard.press('Enter')
      await terminal.shows(/^y\ny\ny$/m)
      await app.page.keyboard.press('Control+c')
      await terminal.shows(/\^C\n\S+[#$]\s*$/)
    },
    STEP_MS,
  )

  it(
    'leaves the machine running when the app quits, and opens a shell in it again',
    async () => {
      await terminal.run('echo here > /tmp/mark; echo kept > /root/kept; sync')
      expect(await app.quit()).toBe(0)
      expect(await runners()).toHaveLength(1)
      await open()
      const row = app.page.getByRole('row', { name: new RegExp(`^${NAME}, Running`) })
      await row.waitFor()
      // The terminal that was open is there again.
      await terminal.prompt()
      expect(await terminal.run('cat /tmp/mark')).toEqual(['here'])
      await bothThemes('5-machines')
    },
    STEP_MS,
  )

  it(
    'adopts the machine after the app was killed',
    async () => {
      const [before] = await runners()
      await app.crash()
      expect(await runners()).toEqual([before])
      await open()
      await app.page.getByRole('row', { name: new RegExp(`^${NAME}, Running`) }).dblclick()
      await isRunning()
      await action('Shell').click()
      await terminal.prompt()
      expect(await terminal.run('cat /tmp/mark')).toEqual(['here'])
    },
    STEP_MS,
  )

  it(
    'shows the launch waterfall, the console log and the settings',
    async () => {
      await app.page.getByTestId('waterfall').waitFor()
      await app.page.getByRole('tab', { name: 'Console' }).click()
      await app.page.getByTestId('console').waitFor()
      await app.screenshot('6-console')
      await app.page.getByRole('tab', { name: 'Settings' }).click()
      await app.screenshot('7-settings')
      await app.page.getByRole('tab', { name: 'Overview' }).click()
    },
    STEP_MS,
  )

  it(
    'stops the machine, and its terminal waits for it',
    async () => {
      await action('Stop').click()
      await app.page
        .locator('[data-testid=machine-state][data-status=stopped]')
        .waitFor({ timeout: 60_000 })
      await app.page.getByText(`${NAME} is off. A shell opens here`).waitFor()
      expect(await runners()).toEqual([])
    },
    STEP_MS,
  )

  it(
    'starts it again with its disk as it was, and the terminal comes back',
    async () => {
      await action('Start').click()
      await isRunning()
      await terminal.prompt()
      expect(await terminal.run('cat /root/kept')).toEqual(['kept'])
    },
    STEP_MS,
  )

  it(
    'deletes the machine after asking once, by its name',
    async () => {
      await action('Delete').click()
      const question = app.page.getByRole('alertdialog', { name: `Delete ${NAME}?` })
      await app.screenshot('8-delete')
      await question.getByRole('button', { name: 'Cancel' }).click()
      await isRunning()
      await action('Delete').click()
      await question.getByRole('button', { name: 'Delete' }).click()
      await app.page.getByRole('heading', { name: 'No machines yet' }).waitFor({ timeout: 60_000 })
      expect(await tabs().count()).toBe(0)
      expect(await runners()).toEqual([])
      const left = await readdir(join(harness.dataDir, 'vms'))
      expect(left.filter((file) => !file.endsWith('.lock'))).toEqual([])
      expect(await app.quit()).toBe(0)
    },
    STEP_MS,
  )
})

/** Processes that run machines of this data directory: not the app itself. */
async function runners(): Promise<string[]> {
  return (await processesNaming(harness.dataDir)).filter((line) => line.includes('runner.js'))
}

/** Of processes that name this data directory. */
async function pidsOf(pattern: RegExp): Promise<number[]> {
  const lines = await processesNaming(harness.dataDir)
  return lines.filter((line) => pattern.test(line)).map((line) => Number.parseInt(line, 10))
}

/** What the open files of a process are, as /proc tells them. */
async function openFiles(pid: number): Promise<string[]> {
  const names = await readdir(`/proc/${pid}/fd`)
  const targets = names.map((name) => readlink(`/proc/${pid}/fd/${name}`).catch(() => ''))
  return (await Promise.all(targets)).filter((target) => target !== '')
}

interface Load {
  readonly seconds: number
  /** The longest time the window drew no frame. */
  readonly longestFrameMs: number
  /** What the main process and all processes of the app held at most, above what they held before. */
  readonly mainGrowthMib: number
  readonly allGrowthMib: number
}

/** Watches frames and memory until `end`. */
async function watchLoad({ page, electron }: RunningApp): Promise<{ end(): Promise<Load> }> {
  const memory = (): Promise<{ main: number; all: number }> =>
    electron.evaluate(({ app }) => {
      // workingSetSize is in KiB.
      const sizes = app.getAppMetrics().map(({ type, memory }) => ({
        type,
        mib: memory.workingSetSize / 1024,
      }))
      return {
        main: sizes.find(({ type }) => type === 'Browser')!.mib,
        all: sizes.reduce((sum, { mib }) => sum + mib, 0),
      }
    })
  const before = await memory()
  const most = { ...before }
  const sampling = setInterval(() => {
    memory().then(
      (now) => {
        most.main = Math.max(most.main, now.main)
        most.all = Math.max(most.all, now.all)
      },
      // The app has ended.
      () => clearInterval(sampling),
    )
  }, 250)
  await page.evaluate(() => {
    const frames = { longest: 0, last: performance.now() }
    Object.assign(window, { frames })
    const next = (now: number): void => {
      frames.longest = Math.max(frames.longest, now - frames.last)
      frames.last = now
      requestAnimationFrame(next)
    }
    requestAnimationFrame(next)
  })
  const startedAt = Date.now()
  return {
    async end() {
      clearInterval(sampling)
      const longest = await page.evaluate(
        () => (window as unknown as { frames: { longest: number } }).frames.longest,
      )
      return {
        seconds: (Date.now() - startedAt) / 1000,
        longestFrameMs: Math.round(longest),
        mainGrowthMib: Math.round(most.main - before.main),
        allGrowthMib: Math.round(most.all - before.all),
      }
    },
  }
}
